package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.Seeds;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PrefixSetTest {
  @Test
  void takesEveryIdInExactlyOnePart() {
    Random random = Seeds.random("PrefixSetTest");
    for (int run = 0; run < 200; run++) {
      List<ChunkId> ids = ids(random, 1 + random.nextInt(500));
      PrefixSet set = new PrefixSet(2 + random.nextInt(64));
      Set<ChunkId> found = new HashSet<>();
      long counted = 0;
      while (true) {
        // As leaves of several snapshots list them: some more than once.
        for (int i = 0; i < ids.size() * 3; i++) {
          set.add(ids.get(i % ids.size()));
        }
        counted += set.count();
        for (ChunkId id : ids) {
          long prefix = IdPart.prefixOf(id);
          boolean inside = prefix >= set.first() && prefix <= set.last();
          if (inside) {
            assertThat(set.contains(id)).isTrue();
            assertThat(found.add(id)).isTrue();
          }
        }
        if (set.isLastPart()) {
          break;
        }
        set.beginNextPart();
      }
      assertThat(found).hasSameSizeAs(ids);
      assertThat(counted).isEqualTo(ids.size());
    }
  }

  @Test
  void doesNotHaveWhatWasNotAdded() {
    PrefixSet set = new PrefixSet(4);
    set.add(new ChunkId(-2, 0, 0, 0));
    set.add(new ChunkId(1, 0, 0, 0));

    assertThat(set.contains(new ChunkId(1, 9, 9, 9))).isTrue();
    assertThat(set.contains(new ChunkId(2, 0, 0, 0))).isFalse();
    assertThat(set.contains(new ChunkId(-1, 0, 0, 0))).isFalse();
  }

  @Test
  void hasNoPartAfterTheLast() {
    assertThatThrownBy(() -> new PrefixSet(2).beginNextPart())
        .isInstanceOf(IllegalStateException.class);
  }

  private static List<ChunkId> ids(Random random, int count) {
    Set<ChunkId> ids = new HashSet<>();
    while (ids.size() < count) {
      ids.add(new ChunkId(random.nextLong(), random.nextLong(), 0, 0));
    }
    return new ArrayList<>(ids);
  }
}
