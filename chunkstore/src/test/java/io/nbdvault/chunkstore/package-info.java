/** Tests. */
@NullMarked
package io.nbdvault.chunkstore;

import org.jspecify.annotations.NullMarked;
