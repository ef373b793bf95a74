/** Tests of the keys that people have. */
@NullMarked
package io.nbdvault.chunkstore.key;

import org.jspecify.annotations.NullMarked;
