/**
 * The chunk store in a local directory, on RocksDB. No other package sees RocksDB, and of this one
 * only {@link io.nbdvault.chunkstore.rocksdb.RocksRepository} is seen outside.
 */
@NullMarked
package io.nbdvault.chunkstore.rocksdb;

import org.jspecify.annotations.NullMarked;
