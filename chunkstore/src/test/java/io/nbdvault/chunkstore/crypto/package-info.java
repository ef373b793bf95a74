/** Tests of keys and sealing. */
@NullMarked
package io.nbdvault.chunkstore.crypto;

import org.jspecify.annotations.NullMarked;
