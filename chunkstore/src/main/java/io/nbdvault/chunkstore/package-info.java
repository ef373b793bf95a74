/**
 * A content-addressed store of disk chunks, and the snapshots that refer to them. Nothing here
 * knows how or where the store keeps its bytes.
 */
@NullMarked
package io.nbdvault.chunkstore;

import org.jspecify.annotations.NullMarked;
