/** Tests. */
@NullMarked
package io.nbdvault.chunkstore.codec;

import org.jspecify.annotations.NullMarked;
