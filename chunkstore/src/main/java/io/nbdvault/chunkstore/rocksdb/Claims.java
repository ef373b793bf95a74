package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.format.IndexKey;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * The content that is on its way into the store, by id. Bounded by the writer's queue and batch and
 * by the number of threads that put.
 */
final class Claims {
  private final ConcurrentMap<IndexKey, Claim> claims = new ConcurrentHashMap<>();

  /** Makes the claim, unless somebody else has one for that content: then returns theirs. */
  @Nullable Claim claim(Claim mine) {
    return claims.putIfAbsent(mine.key(), mine);
  }

  /** Ends a claim: from now on the index knows better. */
  void end(Claim claim) {
    claims.remove(claim.key(), claim);
  }
}
