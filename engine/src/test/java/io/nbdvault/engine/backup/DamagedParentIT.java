package io.nbdvault.engine.backup;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackedUpVm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a disk would continue from is damaged: the next backup must be whole, and heal it. */
@Timeout(120)
class DamagedParentIT {
  private static final int SIZE = 8 << 20;
  private static final int CHUNK = 64 << 10;

  @TempDir Path directory;

  @Test
  void flaggedChunkInAnUnchangedRangeIsNotInherited() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      SnapshotRecord first = vm.backUp(request(vm));
      damage(repeated((byte) 5, CHUNK / 2));
      assertThat(verify().flagged()).isEqualTo(1);
      byte[] before = vm.model("vda").copy();
      assertNextBackupIsWhole(vm, first);
      // The table's bad block is there still, but nothing that is needed is read from it.
      assertThat(verify().contents()).isEmpty();
      vm.bench().assertRestores(first, "vda", before);
      assertTheOneAfterIsIncremental(vm);
    }
  }

  @Test
  void nodeThatNobodyKnewToBeDamagedIsMetWhileTheDiskIsRead() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      SnapshotRecord first = vm.backUp(request(vm));
      damage(firstIds(first));
      assertNextBackupIsWhole(vm, first);
      // What that node listed is not what the disk holds now, so nobody can make it anew.
      assertThat(verify().ranges()).allMatch(range -> range.snapshot().equals(first.id()));
      assertTheOneAfterIsIncremental(vm);
    }
  }

  /** The damage is in vda; what is written does not touch a damaged chunk. */
  private static void assertNextBackupIsWhole(BackedUpVm vm, SnapshotRecord first)
      throws Exception {
    vm.write("vda", 60 * CHUNK, CHUNK, 9);
    vm.write("vdb", 60 * CHUNK, CHUNK, 9);
    SnapshotRecord next = vm.backUp(request(vm)); // Which restores it as well.
    String reason = "snapshot " + first.id().shortForm() + " is damaged";
    assertThat(next.disk("vda").orElseThrow().fullReason()).contains(reason);
    assertThat(next.disk("vdb").orElseThrow().incremental()).isTrue();
    assertThat(warnings(vm))
        .singleElement()
        .asString()
        .startsWith("disk vda is damaged in snapshot " + first.id().shortForm());
  }

  private static void assertTheOneAfterIsIncremental(BackedUpVm vm) throws Exception {
    vm.write("vda", 61 * CHUNK, CHUNK, 10);
    SnapshotRecord after = vm.backUp(request(vm));
    assertThat(after.disks()).allMatch(disk -> disk.incremental());
    assertThat(warnings(vm)).isEmpty();
  }

  private BackedUpVm twoDisks() throws IOException {
    BackedUpVm vm =
        new BackedUpVm(directory).disk("vda", "qcow2", SIZE).disk("vdb", "qcow2", SIZE).start();
    for (int chunk = 0; chunk < 20; chunk++) {
      vm.write("vda", chunk * CHUNK, CHUNK, chunk + 1);
      vm.write("vdb", chunk * CHUNK, CHUNK, chunk + 101);
    }
    return vm;
  }

  /** Uncompressed, so that the bytes can be found in the repository's files. */
  private static BackupRequest request(BackedUpVm vm) {
    BackupRequest all = vm.request();
    return new BackupRequest(
        all.vm(),
        all.source(),
        all.disks(),
        all.exclude(),
        all.full(),
        all.tags(),
        all.force(),
        all.scratch(),
        all.guestAgent(),
        all.freeze(),
        all.rateLimitBytesPerSecond(),
        Optional.of(Compression.NONE),
        false);
  }

  private static List<String> warnings(BackedUpVm vm) {
    List<String> warnings = new ArrayList<>();
    for (JobEvent event : vm.bench().events()) {
      if (event instanceof JobEvent.Warning warning) {
        warnings.add(warning.message());
      }
    }
    return warnings;
  }

  private VerifyReport verify() throws IOException {
    try (ChunkStore store = Repositories.open(directory.resolve("repository"))) {
      return store.verify(VerifyOptions.everything(1), progress -> true);
    }
  }

  /** The ids of the first chunks of vda, as the leaf of its tree has them one behind the other. */
  private byte[] firstIds(SnapshotRecord snapshot) throws IOException {
    ByteBuffer ids = ByteBuffer.allocate(2 * ChunkId.BYTES);
    try (ChunkStore store = Repositories.openReadOnly(directory.resolve("repository"));
        SnapshotReader reader = store.open(snapshot.id())) {
      reader
          .disk("vda")
          .forEachChunk(
              0,
              2,
              (index, id, length) -> {
                id.writeTo(ids);
                return true;
              });
    }
    return ids.array();
  }

  private static byte[] repeated(byte value, int length) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, value);
    return bytes;
  }

  /** Flips a bit of the one place in the repository's tables that holds these bytes. */
  private void damage(byte[] content) throws IOException {
    List<Path> damaged = new ArrayList<>();
    try (DirectoryStream<Path> tables =
        Files.newDirectoryStream(directory.resolve("repository/db"), "*.sst")) {
      for (Path table : tables) {
        byte[] bytes = Files.readAllBytes(table);
        int at = indexOf(bytes, content);
        if (at >= 0) {
          bytes[at + 3] ^= 1;
          Files.write(table, bytes);
          damaged.add(table);
        }
      }
    }
    assertThat(damaged).hasSize(1);
  }

  private static int indexOf(byte[] bytes, byte[] part) {
    for (int at = 0; at <= bytes.length - part.length; at++) {
      if (Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
        return at;
      }
    }
    return -1;
  }
}
