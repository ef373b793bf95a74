/**
 * What keeps content from whoever holds the repository: how it gets its id, and how it is sealed.
 */
@NullMarked
package io.nbdvault.chunkstore.crypto;

import org.jspecify.annotations.NullMarked;
