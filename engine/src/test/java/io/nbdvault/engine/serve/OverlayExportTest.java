package io.nbdvault.engine.serve;

import static io.nbdvault.engine.serve.ServedRepository.CHUNK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.serve.overlay.OverlayDirectory;
import io.nbdvault.engine.serve.overlay.OverlayInUseException;
import io.nbdvault.nbd.server.Export;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writing to a served disk of a real repository, and what becomes of it. */
class OverlayExportTest {
  private static final int SIZE = 60 * CHUNK + 777;

  @TempDir private Path directory;
  private final long seed = ServedRepository.seed();
  private final Random random = new Random(seed);
  private final byte[] model = ServedRepository.content(SIZE, random);
  private ServedRepository repository;
  private SnapshotRecord snapshot;
  private OverlayDirectory overlays;

  @BeforeEach
  void begin() throws IOException {
    repository = new ServedRepository(directory.resolve("repository"));
    snapshot = repository.commit("vm", Map.of("d", model, "e", model));
    overlays = new OverlayDirectory(Files.createDirectory(directory.resolve("overlays")));
  }

  private SnapshotExports serve() throws IOException {
    return SnapshotExports.open(
        repository.source(), ServedRepository.limits(), Optional.of(overlays));
  }

  private void operate(Export export) throws IOException {
    int offset = random.nextInt(SIZE);
    int length = 1 + random.nextInt(Math.min(SIZE - offset, 4 * CHUNK));
    boolean fua = random.nextInt(10) == 0;
    switch (random.nextInt(5)) {
      case 0 -> {
        export.zero(offset, length, random.nextBoolean(), fua);
        Arrays.fill(model, offset, offset + length, (byte) 0);
      }
      case 1 -> {
        export.trim(offset, length, fua);
        int first = (offset + CHUNK - 1) / CHUNK * CHUNK;
        int end = offset + length == SIZE ? SIZE : (offset + length) / CHUNK * CHUNK;
        Arrays.fill(model, first, Math.max(first, end), (byte) 0);
      }
      case 2 -> export.flush();
      default -> {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        export.write(offset, ByteBuffer.wrap(bytes), fua);
        System.arraycopy(bytes, 0, model, offset, length);
      }
    }
  }

  private void check(Export export) throws IOException {
    assertThat(Arrays.mismatch(ServedRepository.read(export, 0, SIZE), model))
        .as("seed %d", seed)
        .isEqualTo(-1);
    long[] flags = ServedRepository.flags(export, "base:allocation", 0, SIZE);
    for (int at = 0; at < SIZE; at++) {
      if (flags[at] != 0 && (flags[at] != 3 || model[at] != 0)) {
        throw new AssertionError("seed " + seed + ": byte " + at + " has flags " + flags[at]);
      }
    }
  }

  @Test
  void agreesWithAnArrayByTwoConnectionsAndAfterRestarts() throws IOException {
    for (int run = 0; run < 4; run++) {
      try (SnapshotExports exports = serve();
          Export one = exports.open("vm/d@latest");
          Export two = exports.open("vm/d@" + snapshot.id().hex())) {
        assertThat(one.info().isReadOnly()).isFalse();
        check(one);
        for (int step = 0; step < 60; step++) {
          operate(random.nextBoolean() ? one : two);
        }
        check(one);
        check(two);
      }
    }
  }

  @Test
  void saysOfWhatWasWrittenThatItHasChanged() throws IOException {
    repository.commit("vm", Map.of("d", model));
    try (SnapshotExports exports = serve();
        Export export = exports.open("vm/d@latest")) {
      String since = "nbdvault:changed-since:" + snapshot.id().shortForm();
      assertThat(ServedRepository.flags(export, since, 0, SIZE)).containsOnly(0);
      export.write(5L * CHUNK + 3, ByteBuffer.wrap(new byte[] {1}), false);
      export.zero(9L * CHUNK, CHUNK, true, false);
      long[] flags = ServedRepository.flags(export, since, 0, SIZE);
      assertThat(flags[5 * CHUNK - 1]).isZero();
      assertThat(flags[5 * CHUNK]).isOne();
      assertThat(flags[6 * CHUNK]).isZero();
      assertThat(flags[9 * CHUNK]).isOne();
    }
  }

  @Test
  void isForOneServerAtATimeAndForItsOwnDiskOnly() throws IOException {
    try (SnapshotExports exports = serve();
        Export export = exports.open("vm/d@latest");
        SnapshotExports second = serve()) {
      assertThatThrownBy(() -> second.open("vm/d@latest"))
          .isInstanceOf(OverlayInUseException.class);
      assertThatThrownBy(() -> overlays.discard(overlays.files().get(0)))
          .isInstanceOf(OverlayInUseException.class);
      export.write(0, ByteBuffer.wrap(new byte[] {1}), true);
    }
    Path file = overlays.files().get(0);
    Files.copy(file, file.resolveSibling(snapshot.id().hex() + ".e.overlay"));
    try (SnapshotExports exports = serve()) {
      assertThatThrownBy(() -> exports.open("vm/e@latest"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("lies over");
    }
    overlays.discard(file);
    try (SnapshotExports exports = serve();
        Export export = exports.open("vm/d@latest")) {
      check(export);
    }
  }

  @Test
  void becomesANewSnapshotThatHoldsWhatWasServed() throws Exception {
    byte[] untouched = model.clone();
    try (SnapshotExports exports = serve();
        Export export = exports.open("vm/d@latest")) {
      for (int step = 0; step < 40; step++) {
        operate(export);
      }
      check(export);
      try (ChunkStore store = repository.open()) {
        assertThatThrownBy(() -> commit(store)).isInstanceOf(OverlayInUseException.class);
      }
    }
    SnapshotRecord committed;
    try (ChunkStore store = repository.open()) {
      committed = commit(store);
      assertThat(committed.parent()).contains(snapshot.id());
      assertThat(overlays.files()).isEmpty();
      assertThatThrownBy(() -> commit(store)).isInstanceOf(JobException.class);
    }
    try (SnapshotExports exports =
            SnapshotExports.open(repository.source(), ServedRepository.limits());
        Export d = exports.open("vm/d@latest");
        Export e = exports.open("vm/e@" + committed.id().hex());
        Export old = exports.open("vm/d@" + snapshot.id().hex())) {
      check(d);
      assertThat(ServedRepository.read(e, 0, SIZE)).isEqualTo(untouched);
      assertThat(ServedRepository.read(old, 0, SIZE)).isEqualTo(untouched);
    }
  }

  private SnapshotRecord commit(ChunkStore store) throws Exception {
    return new CommitOverlayJob(store, EngineLimits.defaults(), new Cancellation(), event -> {})
        .run(overlays, snapshot.id().hex(), false, new TreeMap<>());
  }
}
