package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.testkit.BackedUpVm;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.qmp.testkit.QemuImg;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * A running VM with a qcow2 and a raw disk, backed up by the real program. What each snapshot must
 * hold is kept in files, however the run that committed it ended.
 */
final class RecordedVm implements AutoCloseable {
  static final int SIZE = 16 << 20;
  static final List<String> DISKS = List.of("vda", "vdb");

  private static final Duration RUN_MAX = Duration.ofSeconds(60);
  private static final int CHUNK = 64 << 10;
  private static final int SECTOR = 512;
  private static final int FILLED = 12 << 20;
  private static final int WRITE_MAX = 1 << 20;

  private final Path directory;
  private final Random random;
  private final BackedUpVm vm;
  private final Path expected;
  private final Map<SnapshotId, SnapshotRecord> known = new LinkedHashMap<>();
  private final List<Write> sinceCommit = new ArrayList<>();

  private record Write(String disk, int offset, int length) {}

  /** What the disks hold at an instant, and what had been written until then. */
  record Content(Map<String, byte[]> disks, int writes) {}

  /** Starts the VM; both disks hold 12 MiB that cannot be compressed. */
  RecordedVm(Path directory, Random random) throws IOException {
    this.directory = directory;
    this.random = random;
    this.expected = Files.createDirectory(directory.resolve("expected"));
    Files.createDirectory(NbdvaultProcess.temporary(directory));
    this.vm = new BackedUpVm(directory).disk("vda", "qcow2", SIZE).disk("vdb", "raw", SIZE);
    for (String disk : DISKS) {
      byte[] filled = new byte[FILLED];
      random.nextBytes(filled);
      vm.model(disk).note(0, filled);
    }
    Files.write(vm.image("vdb"), vm.model("vdb").copy());
    Path raw = Files.write(directory.resolve("vda.first"), vm.model("vda").copy());
    QemuImg.convert(raw, "raw", vm.image("vda"), "qcow2");
    vm.start();
  }

  BackedUpVm vm() {
    return vm;
  }

  /** What the disks hold now. */
  Content content() {
    Map<String, byte[]> disks = new LinkedHashMap<>();
    DISKS.forEach(disk -> disks.put(disk, vm.model(disk).copy()));
    return new Content(disks, sinceCommit.size());
  }

  /** Writes here and there on both disks, as the guest. */
  void write() throws IOException {
    for (String disk : DISKS) {
      for (int n = 1 + random.nextInt(3); n > 0; n--) {
        int length = SECTOR * (1 + random.nextInt(WRITE_MAX / SECTOR));
        int offset = SECTOR * random.nextInt((SIZE - length) / SECTOR + 1);
        vm.write(disk, offset, length, 1 + random.nextInt(255));
        sinceCommit.add(new Write(disk, offset, length));
      }
    }
  }

  /** Starts {@code nbdvault --json backup} with these options more. */
  NbdvaultProcess startBackup(NbdvaultProcess.Listener onLine, List<String> options)
      throws IOException {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("-r", vm.bench().repository().toString(), "--json", "backup"));
    arguments.addAll(List.of(BackedUpVm.NAME, "--qmp", vm.qemu().toolSocket().toString()));
    arguments.addAll(options);
    return NbdvaultProcess.start(directory, onLine, arguments);
  }

  /** Backs up with the program, to the end; see {@link #backUp}. */
  NbdvaultProcess.Result backUpWithProgram() throws Exception {
    Content instant = content();
    NbdvaultProcess.Result result;
    try (NbdvaultProcess process = startBackup((run, line) -> {}, List.of())) {
      result = process.awaitExit(ExitCode.OK, RUN_MAX);
    }
    var unused = assertRight(instant);
    return result;
  }

  /**
   * Backs up within this process, which is quicker. Asserts that the snapshot is right and the only
   * thing that is left, and that exactly what was written since the last one was read.
   */
  SnapshotRecord backUp() throws Exception {
    Content instant = content();
    var unused = vm.bench().backup(vm.request());
    return assertRight(instant);
  }

  private SnapshotRecord assertRight(Content instant) throws Exception {
    Map<String, Long> dirty = dirtyBytes();
    boolean first = known.isEmpty();
    SnapshotRecord snapshot = recordCommitted(instant).orElseThrow();
    assertLeavesNothingBut(snapshot);
    assertRestores(snapshot);
    for (DiskRecord disk : snapshot.disks()) {
      assertThat(disk.incremental()).as("incremental: %s", disk.fullReason()).isEqualTo(!first);
      if (!first) {
        assertThat(disk.statistics().readBytes()).isEqualTo(dirty.get(disk.name()));
      }
    }
    return snapshot;
  }

  /** Bytes of each disk in chunks that were written since the last snapshot's instant. */
  private Map<String, Long> dirtyBytes() {
    Map<String, Long> bytes = new LinkedHashMap<>();
    for (String disk : DISKS) {
      Set<Integer> chunks = new HashSet<>();
      for (Write write : sinceCommit) {
        if (write.disk().equals(disk)) {
          int last = (write.offset() + write.length() - 1) / CHUNK;
          for (int chunk = write.offset() / CHUNK; chunk <= last; chunk++) {
            chunks.add(chunk);
          }
        }
      }
      bytes.put(disk, (long) chunks.size() * CHUNK);
    }
    return bytes;
  }

  /**
   * Looks whether a run has committed; if so, keeps what its snapshot must hold. Asserts that all
   * snapshots known before are still there.
   *
   * @param instant what the disks held when the run took its instant
   */
  Optional<SnapshotRecord> recordCommitted(Content instant) throws IOException {
    List<SnapshotRecord> found = vm.bench().snapshots();
    assertThat(found).as("known snapshots").containsAll(known.values());
    List<SnapshotRecord> committed =
        found.stream().filter(snapshot -> !known.containsKey(snapshot.id())).toList();
    assertThat(committed).as("snapshots of one run").hasSizeLessThanOrEqualTo(1);
    for (SnapshotRecord snapshot : committed) {
      assertThat(snapshot.disks()).extracting(DiskRecord::name).isEqualTo(DISKS);
      for (String disk : DISKS) {
        Files.write(expected(snapshot, disk), Objects.requireNonNull(instant.disks().get(disk)));
      }
      known.put(snapshot.id(), snapshot);
      sinceCommit.subList(0, instant.writes()).clear();
    }
    return committed.stream().findFirst();
  }

  private Path expected(SnapshotRecord snapshot, String disk) {
    return expected.resolve(snapshot.id().hex() + "-" + disk);
  }

  /** All snapshots, the oldest first. */
  List<SnapshotRecord> snapshots() {
    return List.copyOf(known.values());
  }

  /** Restores all disks of a snapshot and compares every byte. */
  void assertRestores(SnapshotRecord snapshot) throws Exception {
    for (String disk : DISKS) {
      assertRestores(snapshot, disk);
    }
  }

  /** Restores one disk of a snapshot and compares every byte. */
  void assertRestores(SnapshotRecord snapshot, String disk) throws Exception {
    Path restored = vm.bench().restore(snapshot, disk);
    assertSame(restored, snapshot, disk);
    Files.delete(restored);
  }

  /** Compares every byte of a restored disk. */
  void assertSame(Path restored, SnapshotRecord snapshot, String disk) throws IOException {
    assertThat(DiskModel.firstDifference(restored, Files.readAllBytes(expected(snapshot, disk))))
        .as("first byte of %s in snapshot %s that differs", disk, snapshot.id().shortForm())
        .isEqualTo(-1);
  }

  /** Asserts that nothing of ours is left anywhere but the bitmaps that a snapshot names. */
  void assertLeavesNothingBut(SnapshotRecord snapshot) throws IOException {
    assertLeavesNothingButBitmaps();
    for (DiskRecord disk : snapshot.disks()) {
      assertThat(vm.bitmaps(disk.name()))
          .as("bitmaps of %s", disk.name())
          .containsExactly(disk.checkpoint().orElseThrow().bitmapName());
    }
  }

  /** Asserts that nothing of ours is left anywhere but bitmaps. */
  void assertLeavesNothingButBitmaps() throws IOException {
    vm.state().assertNothingOfOurs(directory);
    assertThat(NbdvaultProcess.temporary(directory)).isEmptyDirectory();
  }

  /** What a run of the program told of each disk's reading. */
  static List<JsonNode> disksStarted(NbdvaultProcess.Result result) {
    return result.events().stream()
        .filter(event -> event.path("event").asText().equals("disk-started"))
        .toList();
  }

  @Override
  public void close() throws IOException {
    vm.close();
  }
}
