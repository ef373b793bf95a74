package io.nbdvault.engine.serve.overlay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class OverlayMapTest {
  private static final int CLUSTER = 4096;
  private static final long CLUSTERS = 100_000;

  private final OverlayMap map;

  OverlayMapTest() throws IOException {
    OverlayLayout layout = new OverlayLayout(CLUSTERS * CLUSTER, CLUSTER);
    map = OverlayMap.read(new CuttableFile(layout.dataOffset()), layout);
  }

  @Test
  void runsEndWhereTheStateChangesAndAtTheBound() {
    map.set(3, ClusterState.DATA);
    map.set(4, ClusterState.DATA);
    map.set(5, ClusterState.ZERO);
    assertThat(map.run(0, 10)).isEqualTo(new OverlayMap.Run(ClusterState.BELOW, 3));
    assertThat(map.run(1, 2)).isEqualTo(new OverlayMap.Run(ClusterState.BELOW, 2));
    assertThat(map.run(3, 10)).isEqualTo(new OverlayMap.Run(ClusterState.DATA, 5));
    assertThat(map.run(4, 5)).isEqualTo(new OverlayMap.Run(ClusterState.DATA, 5));
    assertThat(map.run(5, 10)).isEqualTo(new OverlayMap.Run(ClusterState.ZERO, 6));
    assertThat(map.run(6, CLUSTERS)).isEqualTo(new OverlayMap.Run(ClusterState.BELOW, CLUSTERS));
  }

  /** Or what was written long ago behind a cluster that is just being written reads as below. */
  @Test
  void neverTakesAClusterForWhatTheOneBeforeItHasBecome() {
    for (long cluster = 1; cluster < CLUSTERS; cluster += 2) {
      map.set(cluster, ClusterState.DATA);
    }
    AtomicLong wanted = new AtomicLong();
    CompletableFuture<Void> writer =
        CompletableFuture.runAsync(
            () -> {
              for (long cluster = 0; cluster < CLUSTERS; cluster += 2) {
                while (wanted.get() < cluster) {
                  Thread.onSpinWait();
                }
                map.set(cluster, ClusterState.DATA);
              }
            });
    // Each cluster is looked at while, and until, it is written.
    for (long cluster = 0; cluster < CLUSTERS; cluster += 2) {
      wanted.set(cluster);
      OverlayMap.Run run = map.run(cluster, cluster + 2);
      while (run.state() == ClusterState.BELOW && !writer.isCompletedExceptionally()) {
        assertThat(run.end()).isEqualTo(cluster + 1);
        run = map.run(cluster, cluster + 2);
      }
      assertThat(run).isEqualTo(new OverlayMap.Run(ClusterState.DATA, cluster + 2));
    }
    writer.join();
  }
}
