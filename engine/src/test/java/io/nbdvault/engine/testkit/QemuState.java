package io.nbdvault.engine.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockNode;
import io.nbdvault.qmp.block.DirtyBitmap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What a test looks for in a QEMU after a backup: nothing of ours but checkpoints. */
public final class QemuState {
  private final BlockCommands qemu;

  public QemuState(QmpClient monitor) {
    this.qemu = new BlockCommands(monitor);
  }

  /** Asserts that no job, export, node, object, server, socket or scratch file of ours is left. */
  public void assertNothingOfOurs(Path directory) throws IOException {
    assertThat(qemu.queryJobs()).as("jobs").isEmpty();
    assertThat(qemu.queryBlockExports()).as("exports").isEmpty();
    assertThat(qemu.queryNamedBlockNodes().stream().map(BlockNode::nodeName))
        .as("nodes")
        .noneMatch(name -> name.startsWith("nbdv"));
    assertThat(qemu.qomList("/objects").stream().map(object -> object.name()))
        .as("objects")
        .noneMatch(name -> name.startsWith("nbdv"));
    assertNoServer(directory);
    try (Stream<Path> files = Files.walk(directory)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .as("files")
          .noneMatch(name -> name.startsWith("nbdv-") || name.endsWith(".scratch.qcow2"));
    }
  }

  /** A server can be started, so there was none. */
  private void assertNoServer(Path directory) throws QmpException {
    qemu.nbdServerStart(directory.resolve("probe.sock"));
    qemu.nbdServerStop();
  }

  /**
   * The names of our bitmaps on all nodes, without the size marks, each of which must stand beside
   * its checkpoint.
   */
  public List<String> ourBitmaps() throws QmpException {
    List<String> names = new ArrayList<>();
    for (BlockNode node : qemu.queryNamedBlockNodes()) {
      for (DirtyBitmap bitmap : node.dirtyBitmaps()) {
        if (bitmap.name().startsWith("nbdvault-size-")) {
          assertThat(node.bitmap(bitmap.name().replace("nbdvault-size-", "nbdvault-cp-")))
              .as("checkpoint of %s", bitmap.name())
              .isPresent();
        } else if (bitmap.name().startsWith("nbdvault-")) {
          names.add(bitmap.name());
        }
      }
    }
    return names.stream().sorted().toList();
  }
}
