package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.StoreFailedException;
import org.junit.jupiter.api.Test;

class OwnedNodesTest {
  private static final int NODES = 10_000;

  @Test
  void findsWhatWasAddedAndTakesNoMoreThanItMay() throws Exception {
    OwnedNodes nodes = new OwnedNodes(NODES);
    for (int i = 0; i < NODES; i++) {
      assertThat(nodes.add(3L * i + 1, i % 7)).isEqualTo(i);
    }
    for (int i = 0; i < NODES; i++) {
      assertThat(nodes.find(3L * i + 1)).isEqualTo(i);
      assertThat(nodes.find(3L * i + 2)).isEqualTo(OwnedNodes.NONE);
      assertThat(nodes.owner(i)).isEqualTo(i % 7);
    }
    assertThatThrownBy(() -> nodes.add(0, 0))
        .isInstanceOf(StoreFailedException.class)
        .hasMessageContaining("more than 10000 tree nodes")
        .hasMessageContaining("NBDVAULT_JAVA_OPTS");
    assertThat(nodes.count()).isEqualTo(NODES);
  }
}
