package io.nbdvault.engine.serve;

import static io.nbdvault.engine.serve.ServedRepository.CHUNK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.server.Export;
import io.nbdvault.nbd.server.ExportException;
import io.nbdvault.nbd.server.NoSuchExportException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is served of a real repository, without a network. */
class SnapshotExportsTest {
  private static final int SIZE = 300 * CHUNK + 777;

  @TempDir private Path directory;
  private final long seed = ServedRepository.seed();
  private final Random random = new Random(seed);
  private ServedRepository repository;

  @BeforeEach
  void begin() throws IOException {
    repository = new ServedRepository(directory.resolve("repository"));
  }

  private SnapshotExports serve() throws IOException {
    return SnapshotExports.open(repository.source(), ServedRepository.limits());
  }

  private static List<String> names(SnapshotExports exports) throws IOException {
    List<String> names = new ArrayList<>();
    exports.list((name, description) -> names.add(name));
    return names;
  }

  @Test
  void listsEveryDiskOfEverySnapshotAndFindsEachByItsName() throws IOException {
    byte[] small = ServedRepository.content(CHUNK, random);
    SnapshotRecord first = repository.commit("web", Map.of("a", small, "b", small));
    SnapshotRecord second = repository.commit("web", Map.of("a", small));
    SnapshotRecord other = repository.commit("alpha", Map.of("x", small));
    try (SnapshotExports exports = serve()) {
      assertThat(names(exports))
          .containsExactly(
              "alpha/x@latest",
              "alpha/x@" + other.id().shortForm(),
              "web/a@latest",
              "web/a@" + second.id().shortForm(),
              "web/a@" + first.id().shortForm(),
              "web/b@" + first.id().shortForm());
      for (String name : names(exports)) {
        assertThat(exports.find(name)).as(name).isPresent();
      }
      assertThat(exports.find("web/b@" + first.id().hex()).orElseThrow().name())
          .isEqualTo("web/b@" + first.id().shortForm());
      assertThat(exports.find("web/a@2999-01-01").orElseThrow().name())
          .isEqualTo("web/a@" + second.id().shortForm());
      for (String bad :
          List.of(
              "",
              "web",
              "web/a",
              "web/a@",
              "/a@latest",
              "web/@latest",
              "web/b@latest",
              "web/a/b@latest",
              "alpha/x@" + first.id().hex(),
              "web/a@1999-01-01",
              "web/a@\u001b[2Jx")) {
        assertThat(exports.find(bad)).as(bad).isEmpty();
        assertThatThrownBy(() -> exports.open(bad))
            .isInstanceOf(NoSuchExportException.class)
            .satisfies(
                e -> assertThat(("" + e.getMessage()).chars().noneMatch(c -> c < ' ')).isTrue());
      }
    }
  }

  @Test
  void readsWhatTheSnapshotHoldsAtAnyOffsetByManyThreads() throws Exception {
    byte[] content = ServedRepository.content(SIZE, random);
    repository.commit("vm", Map.of("d", content));
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (SnapshotExports exports = serve();
        Export export = exports.open("vm/d@latest")) {
      assertThat(export.info().isReadOnly()).isTrue();
      assertThat(export.info().isCoherent()).isTrue();
      assertThat(export.info().sizeBytes()).isEqualTo(SIZE);
      List<Callable<Void>> readers = new ArrayList<>();
      for (int reader = 0; reader < 4; reader++) {
        Random own = new Random(seed + reader);
        boolean inOrder = reader % 2 == 0;
        readers.add(() -> readAll(export, content, own, inOrder));
      }
      for (Future<Void> reader : threads.invokeAll(readers, 60, TimeUnit.SECONDS)) {
        reader.get();
      }
      assertThatThrownBy(() -> export.write(0, ByteBuffer.allocate(1), false))
          .isInstanceOf(ExportException.class);
    } finally {
      threads.shutdownNow();
    }
  }

  private Void readAll(Export export, byte[] content, Random own, boolean inOrder)
      throws IOException {
    int position = 0;
    for (int round = 0; round < 150; round++) {
      int offset = inOrder ? position : own.nextInt(SIZE);
      int length = 1 + own.nextInt(Math.min(SIZE - offset, 5 * CHUNK));
      assertThat(ServedRepository.read(export, offset, length))
          .as("seed %d: %d+%d", seed, offset, length)
          .isEqualTo(Arrays.copyOfRange(content, offset, offset + length));
      position = (offset + length) % SIZE;
    }
    return null;
  }

  @Test
  void showsHolesWhereChunksAreZeroAndChangesSinceEachOtherSnapshot() throws IOException {
    byte[] before = ServedRepository.content(SIZE, random);
    byte[] after = before.clone();
    for (int change = 0; change < 5; change++) {
      after[random.nextInt(SIZE)] ^= 1;
      int hole = random.nextInt(SIZE - 3 * CHUNK);
      Arrays.fill(after, hole, hole + 2 * CHUNK, (byte) 0);
    }
    SnapshotRecord first = repository.commit("vm", Map.of("d", before));
    SnapshotRecord other = repository.commit("vm2", Map.of("d", before));
    repository.commit("vm", Map.of("e", before));
    SnapshotRecord third = repository.commit("vm", Map.of("d", after));
    String since = "nbdvault:changed-since:" + first.id().shortForm();
    try (SnapshotExports exports = serve();
        Export export = exports.open("vm/d@" + third.id().hex())) {
      String name = "vm/d@latest";
      assertThat(exports.contexts(name, "", true)).containsExactly("base:allocation", since);
      assertThat(exports.contexts(name, "base:", true)).containsExactly("base:allocation");
      assertThat(exports.contexts(name, "base:", false)).isEmpty();
      assertThat(exports.contexts(name, "nbdvault:", true)).containsExactly(since);
      assertThat(exports.contexts(name, since, false)).containsExactly(since);
      String full = "nbdvault:changed-since:" + first.id().hex();
      assertThat(exports.contexts(name, full, false)).containsExactly(full);
      assertThat(exports.contexts(name, "nbdvault:changed-since:" + other.id().hex(), false))
          .isEmpty();
      for (int round = 0; round < 40; round++) {
        int offset = random.nextInt(SIZE);
        int length = 1 + random.nextInt(SIZE - offset);
        long[] allocation = ServedRepository.flags(export, "base:allocation", offset, length);
        long[] changed = ServedRepository.flags(export, full, offset, length);
        for (int at = 0; at < length; at += 509) {
          int chunk = (offset + at) / CHUNK * CHUNK;
          int end = Math.min(SIZE, chunk + CHUNK);
          boolean zero = Arrays.equals(after, chunk, end, new byte[end - chunk], 0, end - chunk);
          assertThat(allocation[at]).as("seed %d", seed).isEqualTo(zero ? 3 : 0);
          boolean equal = Arrays.equals(after, chunk, end, before, chunk, end);
          assertThat(changed[at]).as("seed %d", seed).isEqualTo(equal ? 0 : 1);
        }
      }
    }
  }

  @Test
  void showsNewSnapshotsAndKeepsForgottenOnesForWhoHasThemOpen() throws IOException {
    byte[] first = ServedRepository.content(SIZE, random);
    byte[] second = ServedRepository.content(SIZE, random);
    SnapshotRecord old = repository.commit("vm", Map.of("d", first));
    try (SnapshotExports exports = serve()) {
      Export export = exports.open("vm/d@latest");
      repository.commit("vm", Map.of("d", second));
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (names(exports).size() < 3 && System.nanoTime() < deadline) {
        Thread.onSpinWait();
      }
      try (Export latest = exports.open("vm/d@latest")) {
        assertThat(ServedRepository.read(latest, 0, SIZE)).isEqualTo(second);
      }
      try (ChunkStore store = repository.open()) {
        store.forget(Set.of(old.id()));
        var unused =
            store.collect(
                new CollectOptions(false, OptionalLong.empty()), (phase, done, expected) -> {});
      }
      while (names(exports).size() > 2 && System.nanoTime() < deadline) {
        Thread.onSpinWait();
      }
      assertThat(names(exports)).hasSize(2);
      assertThat(exports.find("vm/d@" + old.id().hex())).isEmpty();
      assertThat(ServedRepository.read(export, 0, SIZE)).isEqualTo(first);
      export.close();
    }
  }

  @Test
  void givesAnErrorForDamagedChunksAloneAndReadsTheRest() throws IOException {
    byte[] content = new byte[SIZE];
    random.nextBytes(content);
    repository.commit("vm", Map.of("d", content));
    repository.damage();
    int failed = 0;
    try (SnapshotExports exports = serve();
        Export export = exports.open("vm/d@latest")) {
      for (int offset = 0; offset < SIZE; offset += CHUNK) {
        int length = Math.min(CHUNK, SIZE - offset);
        try {
          assertThat(ServedRepository.read(export, offset, length))
              .isEqualTo(Arrays.copyOfRange(content, offset, offset + length));
        } catch (ExportException e) {
          failed++;
          assertThat(e.errno()).isEqualTo(NbdErrno.EIO);
          assertThat(e.offsetBytes()).isEqualTo(offset);
          int before = offset - CHUNK; // The request began earlier: it failed where the damage is.
          assertThatThrownBy(() -> ServedRepository.read(export, before + 5, 2 * CHUNK))
              .isInstanceOfSatisfying(
                  ExportException.class,
                  again -> assertThat(again.offsetBytes()).isEqualTo(e.offsetBytes()));
        }
      }
    }
    assertThat(failed).isBetween(1, 3);
  }

  @Test
  void sharesAnOpenSnapshotAndClosesItWithTheLastExport() throws IOException {
    byte[] content = ServedRepository.content(SIZE, random);
    SnapshotRecord first = repository.commit("vm", Map.of("d", content));
    try (StoreMoments moments = StoreMoments.open(repository.source(), ServedRepository.limits())) {
      SharedSnapshot one = moments.open(first.id());
      SharedSnapshot two = moments.open(first.id());
      assertThat(two).isSameAs(one);
      repository.commit("vm", Map.of("d", content));
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (moments.now().snapshots().size() < 2 && System.nanoTime() < deadline) {
        Thread.onSpinWait();
      }
      assertThat(moments.momentCount()).as("what was open has moved over").isOne();
      one.close();
      assertThat(moments.openCount()).isOne();
      long size = two.use(reader -> reader.disk("d").sizeBytes());
      assertThat(size).isEqualTo(SIZE);
      two.close();
      assertThat(moments.openCount()).isZero();
    }
  }
}
