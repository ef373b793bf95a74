/** Tests. */
@NullMarked
package io.nbdvault.chunkstore.format;

import org.jspecify.annotations.NullMarked;
