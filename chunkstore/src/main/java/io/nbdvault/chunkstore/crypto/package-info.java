/**
 * How content gets its ids and how records are sealed, and the keys for that. Argon2id and HPKE
 * come from Bouncy Castle; AES-GCM and HMAC from the JDK, which has them in hardware.
 */
@NullMarked
package io.nbdvault.chunkstore.crypto;

import org.jspecify.annotations.NullMarked;
