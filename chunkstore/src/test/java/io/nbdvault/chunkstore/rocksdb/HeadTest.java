package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.RepairStep;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.format.HeadSlot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The file that says how far a repository has come. */
@Timeout(60)
class HeadTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int SLOTS = 2;

  @TempDir private Path temporary;
  private DamagedRepository repository;
  private SnapshotRecord snapshot;
  private final DiskImage disk = new DiskImage(CHUNK, CHUNK);

  @BeforeEach
  void makeRepository() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    disk.fill(0, 'x');
    snapshot = repository.backUp(disk);
  }

  @Test
  void followsEverythingThatMustNotBeLost() throws Exception {
    long last = slot().commits();
    try (ChunkStore store = repository.open()) {
      last = wentOn(last);
      SnapshotRecord second = repository.backUp(store, disk);
      last = wentOn(last);
      assertThat(second.commit()).hasValue(last);
      store.setProtected(second.id(), true);
      last = wentOn(last);
      store.setProtected(second.id(), false);
      last = wentOn(last);
      store.forget(Set.of(second.id()));
      last = wentOn(last);
      store.undelete(second.id());
      last = wentOn(last);
      store.forget(Set.of(second.id()));
      last = wentOn(last);
      store.collect(CollectOptions.defaults(), CollectListener.silent());
      last = wentOn(last);
    }
    assertThat(wentOn(last)).isEqualTo(counter());
  }

  private long wentOn(long last) throws StoreException {
    assertThat(slot().commits()).isGreaterThan(last);
    return slot().commits();
  }

  @Test
  void isWrittenWithTheNextCommitIfAKilledProcessDidNotWriteIt() throws Exception {
    byte[] old = Files.readAllBytes(file());
    repository.backUp(disk);
    Files.write(file(), old);
    assertThat(slot().commits()).isLessThan(counter());
    assertThat(findings()).isEmpty();
    repository.open().close();
    assertThat(slot().commits()).isEqualTo(counter());
  }

  @Test
  void refusesToWriteToADatabaseThatIsBehind() throws Exception {
    new HeadFile(directory(), id()).make(counter() + 3, 1);
    byte[] ahead = Files.readAllBytes(file());
    List<Path> before = repository.files();
    assertThatThrownBy(() -> repository.open())
        .isInstanceOf(DamagedException.class)
        .hasMessage(
            "Damaged: the repository's last 3 commits: missing from its database, which ends with"
                + " commit 4, and not with commit 7 as the file head says; run `nbdvault verify`,"
                + " then `nbdvault repair`");
    assertThatThrownBy(() -> Repositories.openToReclaim(repository.dir()))
        .isInstanceOf(DamagedException.class);
    assertThat(file()).hasBinaryContent(ahead);
    assertThat(repository.files()).isEqualTo(before);
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
    assertThat(findings()).singleElement().asString().contains("last 3 commits");
    // Nothing is there to be put back: the repair gives up what is lost.
    Repositories.repair(repository.dir(), (what, done, expected) -> {});
    assertThat(findings()).singleElement().asString().contains("commits 5 to 7");
    assertThat(Repositories.acknowledgeLosses(repository.dir())).hasSize(1);
    assertThat(findings()).isEmpty();
    repository.backUp(disk);
  }

  @Test
  void verifyFindsEveryFlippedBitAndTheNextCommitMendsIt() throws Exception {
    byte[] good = Files.readAllBytes(file());
    for (int slot = 0; slot < SLOTS; slot++) {
      for (int at = 0; at < HeadSlot.BYTES; at++) {
        byte[] bad = good.clone();
        bad[slot * HeadFile.SLOT_DISTANCE + at] ^= (byte) (1 << (at % 8));
        Files.write(file(), bad);
        assertThat(state().damage())
            .extracting(DamagedItem::what)
            .containsExactly("slot " + slot + " of file head");
        assertThat(state().newest()).isPresent();
      }
    }
    assertThat(findings()).isNotEmpty();
    repository.open().close();
    assertThat(findings()).isEmpty();
  }

  @Test
  void verifyFindsThatItIsMissingOrCutOrAnothersAndTheNextCommitMakesItAgain() throws Exception {
    DamagedRepository other = DamagedRepository.create(temporary.resolve("other"));
    byte[] good = Files.readAllBytes(file());
    byte[] others = Files.readAllBytes(other.dir().resolve("head"));
    for (byte[] bad : new byte[][] {{}, Arrays.copyOf(good, 30), Arrays.copyOf(good, 5000)}) {
      Files.write(file(), bad);
      if (bad.length < 5000) {
        assertMended();
      }
    }
    Files.write(file(), others);
    assertMended();
    Files.delete(file());
    assertMended();
    Files.delete(file());
    assertThat(Repositories.planRepair(repository.dir(), (what, done, expected) -> {}).steps())
        .contains(RepairStep.WRITE_HEAD);
    Repositories.repair(repository.dir(), (what, done, expected) -> {});
    assertThat(findings()).isEmpty();
  }

  private void assertMended() throws IOException {
    assertThat(findings()).isNotEmpty();
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
    repository.open().close();
    assertThat(findings()).isEmpty();
    assertThat(slot().commits()).isEqualTo(counter());
  }

  @Test
  void commitsThoughTheFileCannotBeWritten() throws Exception {
    SnapshotRecord second;
    try (ChunkStore store = repository.open()) {
      Files.delete(file());
      Files.createDirectory(file());
      second = repository.backUp(store, disk);
      assertThat(store.snapshots()).containsExactly(snapshot, second);
    }
    Files.delete(file());
    try (ChunkStore store = repository.open()) {
      assertThat(store.snapshots()).containsExactly(snapshot, second);
    }
    assertThat(findings()).isEmpty();
  }

  private List<DamagedItem> findings() throws StoreException {
    try (ChunkStore store = Repositories.openReadOnly(repository.dir())) {
      return store.verify(VerifyOptions.everything(1), progress -> true).items();
    }
  }

  private long counter() throws StoreException {
    try (Database db = Database.open("test", repository.databaseDir(), DatabaseAccess.READ_ONLY)) {
      return Counter.COMMITS.read(db);
    }
  }

  private HeadSlot slot() throws StoreException {
    return state().newest().orElseThrow();
  }

  private HeadFile.State state() throws StoreException {
    return new HeadFile(directory(), id()).read();
  }

  private RepositoryDirectory directory() {
    return new RepositoryDirectory(repository.dir());
  }

  private String id() throws StoreException {
    return directory().readConfig().repositoryId();
  }

  private Path file() {
    return directory().head();
  }
}
