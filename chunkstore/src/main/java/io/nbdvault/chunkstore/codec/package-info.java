/** How the bytes of a chunk are made smaller and brought back. */
@NullMarked
package io.nbdvault.chunkstore.codec;

import org.jspecify.annotations.NullMarked;
