package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.RepairStep;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.UnsupportedFormatException;
import io.nbdvault.chunkstore.format.ConfigFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A {@code config.json} that says something else than the database does. */
@Timeout(120)
class BadConfigTest {
  private static final int CHUNK = DamagedRepository.CHUNK;

  /** Every so many bytes one is changed; no two fields are as far from each other. */
  private static final int STEP = 5;

  @TempDir private Path temporary;
  private DamagedRepository repository;
  private SnapshotRecord snapshot;
  private Path config;
  private byte[] good;

  @BeforeEach
  void makeRepository() throws Exception {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    DiskImage disk = new DiskImage(2 * CHUNK, CHUNK);
    disk.fill(0, 1);
    snapshot = repository.backUp(disk);
    config = repository.dir().resolve("config.json");
    good = Files.readAllBytes(config);
  }

  @Test
  void isMendedWhicheverBitIsWrong() throws Exception {
    int refused = 0;
    for (int at = 0; at < good.length; at += STEP) {
      refused += isRefusedAndMended(at) ? 1 : 0;
    }
    assertThat(refused).isGreaterThan(good.length / STEP / 2);
  }

  @Test
  void isMendedWhereItSaysThatTheFormatIsNewer() throws Exception {
    String text = new String(good, StandardCharsets.UTF_8);
    int at = text.indexOf(':', text.indexOf("formatVersion")) + 2;
    assertThat(good[at]).isEqualTo((byte) '2');
    assertThat(isRefusedAndMended(at)).isTrue();
  }

  /** Returns false if it can be opened as it is. */
  private boolean isRefusedAndMended(int at) throws Exception {
    byte[] bad = good.clone();
    bad[at] ^= 1;
    Files.write(config, bad);
    try {
      Repositories.openReadOnly(repository.dir()).close();
      Files.write(config, good);
      return false;
    } catch (StoreException e) {
      RepairReport report = Repositories.repair(repository.dir(), (what, done, expected) -> {});
      assertThat(report.plan().steps())
          .as("with a wrong bit at %d", at)
          .containsExactly(RepairStep.WRITE_CONFIG, RepairStep.FLAG);
    }
    assertThat(config).as("with a wrong bit at %d", at).hasBinaryContent(good);
    assertThat(repository.read(snapshot.id())).isNotEmpty();
    repository.open().close();
    return true;
  }

  @Test
  void isLeftAloneWhereTheDatabaseIsOfANewerFormatToo() throws Exception {
    byte[] newer =
        new String(good, StandardCharsets.UTF_8)
            .replace("\"formatVersion\" : 2", "\"formatVersion\" : 3")
            .getBytes(StandardCharsets.UTF_8);
    assertThat(ConfigFile.formatVersion(newer)).isEqualTo(3);
    repository.put(Family.DEFAULT, StoredConfig.key(), newer);
    Files.write(config, newer);
    assertThatThrownBy(() -> Repositories.repair(repository.dir(), (what, done, expected) -> {}))
        .isInstanceOf(UnsupportedFormatException.class);
    assertThat(config).hasBinaryContent(newer);
    assertThat(repository.get(Family.DEFAULT, StoredConfig.key())).isEqualTo(newer);
  }
}
