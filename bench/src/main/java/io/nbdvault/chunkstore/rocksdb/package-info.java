/** Looks into the store from beside it. */
@NullMarked
package io.nbdvault.chunkstore.rocksdb;

import org.jspecify.annotations.NullMarked;
