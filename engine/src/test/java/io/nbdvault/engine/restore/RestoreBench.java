package io.nbdvault.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.LoopDevice;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

/** A repository with a snapshot of two raw disks of odd sizes, and what they held. */
final class RestoreBench {
  /** No multiple of 4096. */
  static final int A_BYTES = (5 << 20) + 3 * 512;

  static final int B_BYTES = (1 << 20) + 512;

  final byte[] a = new byte[A_BYTES];
  final byte[] b = new byte[B_BYTES];
  final BackupBench bench;
  final SnapshotRecord snapshot;

  private RestoreBench(BackupBench bench, Path directory) throws Exception {
    this.bench = bench;
    Random random = new Random(7);
    fill(random, a, 0, 200_000);
    fill(random, a, 1 << 20, 70_000);
    Arrays.fill(a, 2 << 20, (2 << 20) + 65536, (byte) 0x55);
    fill(random, a, A_BYTES - 700, 700);
    fill(random, b, 65536, 1000);
    Files.write(directory.resolve("a.raw"), a);
    Files.write(directory.resolve("b.raw"), b);
    snapshot =
        bench.backup(
            BackupBench.request(
                "vm",
                new BackupRequest.StoppedImages(
                    List.of(
                        new BackupRequest.Image("a", directory.resolve("a.raw"), "raw"),
                        new BackupRequest.Image("b", directory.resolve("b.raw"), "raw")))));
  }

  static RestoreBench create(Path directory) throws Exception {
    return new RestoreBench(BackupBench.create(directory, "repository"), directory);
  }

  private static void fill(Random random, byte[] content, int offset, int length) {
    byte[] piece = new byte[length];
    random.nextBytes(piece);
    System.arraycopy(piece, 0, content, offset, length);
  }

  /** Bytes of disk {@code a} in chunks of 64 KiB that hold anything: what a sparse file takes. */
  static int dataBytesOfA() {
    return 8 * 65536 - (65536 - A_BYTES % 65536);
  }

  RestoreRequest request(String disk, Object to) {
    return new RestoreRequest(
        snapshot.id().hex(), List.of(disk), to.toString(), Optional.empty(), false);
  }

  RestoreRequest forced(String disk, Object to) {
    return new RestoreRequest(
        snapshot.id().hex(), List.of(disk), to.toString(), Optional.empty(), true);
  }

  void restore(RestoreRequest request) throws IOException, JobException, InterruptedException {
    bench.restore(request);
  }

  void restore(RestoreRequest request, Cancellation cancellation, JobListener listener)
      throws IOException, JobException, InterruptedException {
    try (ChunkStore store = Repositories.openReadOnly(bench.repository())) {
      var unused =
          new RestoreJob(store, EngineLimits.defaults(), cancellation, listener).run(request);
    }
  }

  /** Asserts what a file holds, and nothing beside it. */
  static void assertHolds(Path file, byte[] expected) throws IOException {
    byte[] found = Files.readAllBytes(file);
    assertThat(found.length).as("size of %s", file).isEqualTo(expected.length);
    assertThat(Arrays.mismatch(found, expected)).as("first difference in %s", file).isEqualTo(-1);
  }

  /** What a file takes on its filesystem, in 512 bytes. */
  static long blocks(Path file) throws IOException {
    return Long.parseLong(LoopDevice.run("stat", "-c", "%b", file.toString()));
  }

  /** Asserts which files are in a directory, hidden ones included. */
  static void assertFiles(Path directory, String... names) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder(names);
    }
  }

  /** One bit of some content, stored as it is, turns over on the repository's disk. */
  static void flipBitOf(Path repository, byte[] content) throws IOException {
    List<Path> all;
    try (Stream<Path> files = Files.walk(repository)) {
      all = files.filter(Files::isRegularFile).toList();
    }
    String wanted = new String(content, StandardCharsets.ISO_8859_1);
    int flipped = 0;
    for (Path file : all) {
      byte[] bytes = Files.readAllBytes(file);
      int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(wanted);
      if (at >= 0) {
        bytes[at] ^= 1;
        Files.write(file, bytes);
        flipped++;
      }
    }
    assertThat(flipped).as("files that hold the chunk").isPositive();
  }
}
