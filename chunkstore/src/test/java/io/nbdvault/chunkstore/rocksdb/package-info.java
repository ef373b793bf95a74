/** Tests. */
@NullMarked
package io.nbdvault.chunkstore.rocksdb;

import org.jspecify.annotations.NullMarked;
