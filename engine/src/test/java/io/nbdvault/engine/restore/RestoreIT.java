package io.nbdvault.engine.restore;

import static io.nbdvault.engine.restore.RestoreBench.assertFiles;
import static io.nbdvault.engine.restore.RestoreBench.assertHolds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import io.nbdvault.qmp.testkit.QemuImg;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Restores to files and directories, and every restore that must be refused. */
class RestoreIT {
  @TempDir static Path shared;
  private static RestoreBench bench;

  @TempDir Path directory;
  private Path target;

  @BeforeAll
  static void backUp() throws Exception {
    bench = RestoreBench.create(shared);
  }

  @BeforeEach
  void makeTargetDirectory() throws IOException {
    target = Files.createDirectory(directory.resolve("target"));
  }

  private static RestoreRequest request(String snapshot, List<String> disks, Path to) {
    return new RestoreRequest(snapshot, disks, to.toString(), Optional.empty(), false);
  }

  private static void assertRefused(
      JobException.Kind kind, String message, ThrowingCallable restore) {
    assertThatThrownBy(restore)
        .hasMessage(message)
        .isInstanceOfSatisfying(JobException.class, e -> assertThat(e.kind()).isEqualTo(kind));
  }

  @Test
  void rawFileHoldsEveryByteAndTakesNoSpaceForHoles() throws Exception {
    Path file = target.resolve("a.raw");
    bench.restore(bench.request("a", file));
    assertHolds(file, bench.a);
    long allocated = RestoreBench.blocks(file) * 512;
    // The filesystem may add blocks of its own and round up.
    assertThat(allocated)
        .isBetween(
            (long) RestoreBench.dataBytesOfA() - 65536, RestoreBench.dataBytesOfA() + 65536L);
    assertFiles(target, "a.raw");
  }

  @Test
  void qcow2ImageIsSoundAndHoldsEveryByte() throws Exception {
    Path file = target.resolve("a.qcow2");
    bench.restore(bench.request("a", file));
    QemuImg.check(file);
    assertThat(QemuImg.info(file).path("virtual-size").asLong()).isEqualTo(RestoreBench.A_BYTES);
    QemuImg.compare(file, "qcow2", shared.resolve("a.raw"), "raw");
    assertThat(Files.size(file)).isLessThan(RestoreBench.dataBytesOfA() + (1 << 20));
    assertFiles(target, "a.qcow2");
  }

  @Test
  void formatThatIsNamedWinsOverTheFilesEnding() throws Exception {
    Path file = target.resolve("a.img");
    bench.restore(
        new RestoreRequest(
            bench.snapshot.id().hex(),
            List.of("a"),
            file.toString(),
            Optional.of(ImageFormat.QCOW2),
            false));
    assertThat(QemuImg.info(file).path("format").asText()).isEqualTo("qcow2");
    QemuImg.compare(file, "qcow2", shared.resolve("a.raw"), "raw");
  }

  @Test
  void directoryGetsAFileForEachDisk() throws Exception {
    List<JobEvent> events = Collections.synchronizedList(new ArrayList<>());
    bench.restore(
        request(bench.snapshot.id().hex(), List.of(), target), new Cancellation(), events::add);
    assertHolds(target.resolve("a.raw"), bench.a);
    assertHolds(target.resolve("b.raw"), bench.b);
    assertFiles(target, "a.raw", "b.raw");
    assertThat(events)
        .filteredOn(JobEvent.Restored.class::isInstance)
        .extracting(event -> ((JobEvent.Restored) event).disk())
        .containsExactly("a", "b");
  }

  @Test
  void directoryIsMadeForSeveralDisksWhereThereIsNone() throws Exception {
    bench.restore(
        new RestoreRequest(
            "vm@latest",
            List.of(),
            target.resolve("new").toString(),
            Optional.of(ImageFormat.QCOW2),
            false));
    assertFiles(target.resolve("new"), "a.qcow2", "b.qcow2");
    QemuImg.compare(target.resolve("new/a.qcow2"), "qcow2", shared.resolve("a.raw"), "raw");
    QemuImg.compare(target.resolve("new/b.qcow2"), "qcow2", shared.resolve("b.raw"), "raw");
  }

  @Test
  void existingFileIsRefusedAndReplacedOnlyByForce() throws Exception {
    Path file = target.resolve("b.raw");
    Files.writeString(file, "precious");
    assertRefused(
        JobException.Kind.FAILED,
        file + " exists; --force replaces it",
        () -> bench.restore(bench.request("b", file)));
    assertThat(file).hasContent("precious");
    assertFiles(target, "b.raw");
    bench.restore(bench.forced("b", file));
    assertHolds(file, bench.b);
    assertFiles(target, "b.raw");
  }

  @Test
  void oneExistingFileInADirectoryRefusesAllOfTheDisks() throws Exception {
    Files.writeString(target.resolve("b.raw"), "precious");
    assertRefused(
        JobException.Kind.FAILED,
        target.resolve("b.raw") + " exists; --force replaces it",
        () -> bench.restore(request("vm@latest", List.of(), target)));
    assertFiles(target, "b.raw");
    assertThat(target.resolve("b.raw")).hasContent("precious");
  }

  @Test
  void severalDisksToANameThatIsAnImagesAreRefused() {
    Path file = target.resolve("new.qcow2");
    assertRefused(
        JobException.Kind.BAD_REQUEST,
        "the snapshot has 2 disks and "
            + file
            + " takes one: choose with --disk, or name a directory",
        () -> bench.restore(request("vm@latest", List.of(), file)));
    assertThat(file).doesNotExist();
  }

  @Test
  void severalDisksToOneFileAreRefused() throws Exception {
    Path file = target.resolve("x.raw");
    Files.createFile(file);
    assertRefused(
        JobException.Kind.BAD_REQUEST,
        "the snapshot has 2 disks and "
            + file
            + " takes one: choose with --disk, or name a directory",
        () -> bench.restore(request("vm@latest", List.of(), file)));
    assertThat(file).isEmptyFile();
  }

  @Test
  void whatIsNotThereIsNamed() throws Exception {
    Path file = target.resolve("x.raw");
    String id = bench.snapshot.id().hex();
    assertRefused(
        JobException.Kind.BAD_REQUEST,
        "snapshot " + id.substring(0, 8) + " has no disk 'c' (it has: a, b)",
        () -> bench.restore(request(id, List.of("c"), file)));
    String other = (id.charAt(0) == '0' ? "1" : "0") + id.substring(1, 6);
    assertRefused(
        JobException.Kind.BAD_REQUEST,
        "no snapshot's id begins with " + other,
        () -> bench.restore(request(other, List.of("a"), file)));
    assertRefused(
        JobException.Kind.BAD_REQUEST,
        "there is no snapshot of VM 'web'",
        () -> bench.restore(request("web@latest", List.of("a"), file)));
    assertRefused(
        JobException.Kind.BAD_REQUEST,
        "directory " + target.resolve("no") + " does not exist",
        () -> bench.restore(bench.request("a", target.resolve("no/a.raw"))));
    assertFiles(target);
  }

  @Test
  void cancelledInTheMiddleLeavesNothing() throws Exception {
    for (String name : List.of("a.raw", "a.qcow2")) {
      Cancellation cancellation = new Cancellation();
      assertRefused(
          JobException.Kind.CANCELLED,
          "interrupted",
          () ->
              bench.restore(
                  bench.request("a", target.resolve(name)),
                  cancellation,
                  event -> {
                    if (event instanceof JobEvent.Progress) {
                      cancellation.cancel();
                    }
                  }));
      assertFiles(target);
    }
  }

  @Test
  void cancelledWhileReplacingAFileKeepsIt() throws Exception {
    Path file = target.resolve("a.raw");
    Files.writeString(file, "precious");
    Cancellation cancellation = new Cancellation();
    assertThatThrownBy(
            () ->
                bench.restore(
                    bench.forced("a", file),
                    cancellation,
                    event -> {
                      if (event instanceof JobEvent.Progress) {
                        cancellation.cancel();
                      }
                    }))
        .isInstanceOf(JobException.class);
    assertThat(file).hasContent("precious");
    assertFiles(target, "a.raw");
  }

  /** One bit of a chunk turns over on the repository's disk. */
  @Test
  void damagedChunkIsLocatedAndNothingIsPublished() throws Exception {
    RestoreBench damaged = RestoreBench.create(Files.createDirectory(directory.resolve("damaged")));
    RestoreBench.flipBitOf(
        damaged.bench.repository(), Arrays.copyOfRange(damaged.a, 65536 + 100, 65536 + 164));
    for (String name : List.of("a.raw", "a.qcow2")) {
      assertThatThrownBy(() -> damaged.restore(damaged.request("a", target.resolve(name))))
          .isInstanceOf(JobException.class)
          .hasMessageMatching(
              "disk a cannot be restored: 65536 bytes from 65536 cannot be read .*"
                  + ": Damaged: chunk [0-9a-f]{64}.*");
      assertFiles(target);
    }
    damaged.restore(damaged.request("b", target.resolve("b.raw")));
    assertHolds(target.resolve("b.raw"), damaged.b);
  }
}
