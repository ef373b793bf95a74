package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.OpenFilesException;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.RocksDBException;

/** What becomes of a repository that has more files than a process may open. */
@Timeout(120)
class OpenFilesTest {
  private static final int LIMIT = 240;
  private static final int TABLES = 300;
  private static final long ORDINAL = 1L << 40;

  @TempDir private Path dir;

  /** What the process with few files does; prints what comes of it. */
  public static void main(String[] args) {
    Path repository = Path.of(args[0]);
    attempt("read", () -> Repositories.openReadOnly(repository));
    attempt("damaged", () -> Repositories.openDamaged(repository));
    attempt("write", () -> Repositories.open(repository));
  }

  /** What the process does that has as many files open as it may. */
  static final class Exhausted {
    private Exhausted() {}

    /** Says of a file, before and after, what is wrong with it. */
    public static void main(String[] args) throws IOException {
      Path table = Path.of(args[0]);
      show(table);
      List<InputStream> open = new ArrayList<>();
      // What is needed to say so has been loaded by then.
      OpenFilesException loaded = new OpenFilesException("", null);
      Object said = StoreErrors.isOfOpenFiles(loaded) ? loaded : "";
      try {
        while (open.size() < LIMIT) {
          open.add(Files.newInputStream(table));
        }
      } catch (IOException e) {
        said = e;
      }
      show(table);
      for (InputStream stream : open) {
        stream.close();
      }
      System.out.println(
          said instanceof FileSystemException ? "was at the limit" : "had files left");
    }

    private static void show(Path table) {
      try {
        System.out.println(RepairTable.damage(table).orElse("whole"));
      } catch (StoreException e) {
        System.out.println(e.getClass().getSimpleName());
      }
    }
  }

  /** A way to open it. */
  private interface Opening {
    ChunkStore open() throws StoreException;
  }

  private static void attempt(String name, Opening opening) {
    try (ChunkStore store = opening.open()) {
      System.out.println(name + "=" + store.snapshots().size());
    } catch (IOException e) {
      System.out.println(name + "=" + e.getClass().getSimpleName());
    }
  }

  @Test
  void areRefusedToAReaderWithAdviceAndAreNoDamageAndAWriterNeedsNotAllOfThem() throws Exception {
    DamagedRepository repository = DamagedRepository.create(dir.resolve("repository"));
    DiskImage disk = new DiskImage(2 * DamagedRepository.CHUNK, DamagedRepository.CHUNK);
    for (int i = 1; i <= 3; i++) {
      disk.fill(0, i);
      repository.backUp(disk);
    }
    addTables(repository);
    assertThat(attempts(repository, LIMIT))
        .containsExactly("read=OpenFilesException", "damaged=OpenFilesException", "write=3");
    assertThat(attempts(repository, 10 * LIMIT)).containsExactly("read=3", "damaged=3", "write=3");
  }

  @Test
  void areNotTakenForDamageOfTheNextOneThatIsOpened() throws Exception {
    DamagedRepository repository = DamagedRepository.create(dir.resolve("repository"));
    DiskImage disk = new DiskImage(2 * DamagedRepository.CHUNK, DamagedRepository.CHUNK);
    disk.fill(0, 1);
    repository.backUp(disk);
    String table = repository.tables(Family.CHUNK).get(0).toString();
    assertThat(run(LIMIT, Exhausted.class, table))
        .containsExactly("whole", "OpenFilesException", "was at the limit");
  }

  /** Records that nothing needs, each in a file of its own. */
  private static void addTables(DamagedRepository repository) throws StoreException {
    try (Database database =
        Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE)) {
      for (int i = 0; i < TABLES; i++) {
        try (RowBatch batch = database.newBatch()) {
          batch.put(Family.CHUNK, OrdinalKey.of(ORDINAL + i), new byte[] {1});
          database.write(batch);
        }
        database.flush(Family.CHUNK);
      }
    }
  }

  private List<String> attempts(DamagedRepository repository, int limit) throws Exception {
    return run(limit, OpenFilesTest.class, repository.dir().toString());
  }

  private List<String> run(int limit, Class<?> main, String argument) throws Exception {
    List<String> command = new ArrayList<>(List.of("prlimit", "--nofile=" + limit + ":" + limit));
    command.addAll(ChildJvm.command(dir, 160, main, argument));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return Arrays.asList(output.strip().split("\n", -1));
  }

  @Test
  void areToldOfAsSuchWhoeverMissesThem() {
    String message = "While open a file for random read: db/000690.sst: Too many open files";
    assertThat(StoreErrors.ofOpening("here", new RocksDBException(message)))
        .isInstanceOf(OpenFilesException.class)
        .hasMessageContaining("ulimit -n");
    assertThat(StoreErrors.of("here", "reading", new IOException("a: Too many open files")))
        .isInstanceOf(OpenFilesException.class);
  }

  @Test
  void areLimitedAsTheSystemSays() {
    String head = "Limit                     Soft Limit           Hard Limit           Units";
    String line = "Max open files            1024                 1048576              files";
    assertThat(OpenFiles.limit(List.of(head, line))).hasValue(1024);
    assertThat(OpenFiles.limit(List.of(head, line.replace("1024", "unlimited")))).isEmpty();
    assertThat(OpenFiles.limit(List.of(head))).isEmpty();
    assertThat(OpenFiles.limit().orElse(0)).isPositive();
  }
}
