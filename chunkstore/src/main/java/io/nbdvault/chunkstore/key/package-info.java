/**
 * What unlocks an encrypted repository, as people have it: passphrases, key files and key pairs.
 * How these wrap the repository's own keys is not known here.
 */
@NullMarked
package io.nbdvault.chunkstore.key;

import org.jspecify.annotations.NullMarked;
