package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Seeds;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/** What is found wrong with a table, and what one still gives in which some blocks are bad. */
@Timeout(60)
class RepairTableTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 20;

  @TempDir private Path temporary;

  @ParameterizedTest
  @CsvSource({"0 1 3", "5 6 8", "5 7 9 11 13", "5 6 7 8 10 12 13 14", "0 2 17 19", "16 17 19"})
  void givesEveryRecordBesideAndBetweenBlocksThatCannotBeRead(String spoilt) throws Exception {
    DamagedRepository repository = DamagedRepository.create(temporary.resolve("repository"));
    DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
    Random random = Seeds.random("repair table");
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    assertThat(repository.backUp(disk)).isNotNull();
    Path table = repository.tables(Family.CHUNK).get(0);
    Set<Long> expected = ordinals(table);
    for (String chunk : spoilt.split(" ", -1)) {
      var key = DamagedRepository.chunkKey(disk, Integer.parseInt(chunk));
      expected.remove(repository.row(key).ordinal());
    }
    for (String chunk : spoilt.split(" ", -1)) {
      repository.spoil(DamagedRepository.chunkKey(disk, Integer.parseInt(chunk)));
    }
    assertThat(ordinals(table)).isEqualTo(expected);
    assertThat(ordinalsByKey(table)).isEqualTo(expected);
  }

  /** RocksDB's own check of a table passes over the parts of a filter. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void aWrongBitIsFoundWhereverItIs(Family family) throws Exception {
    DamagedRepository repository = DamagedRepository.create(temporary.resolve("repository"));
    DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
    disk.fill(0, 1);
    disk.fill(1, 2);
    assertThat(repository.backUp(disk)).isNotNull();
    Path table = repository.tables(family).get(0);
    assertThat(RepairTable.damage(table)).isEmpty();
    for (int at = 0; at < Files.size(table); at += family == Family.CHUNK ? 97 : 1) {
      assertFound(table, at);
    }
  }

  static void assertFound(Path table, int at) throws Exception {
    DamagedRepository.flipByte(table, at);
    assertThat(RepairTable.damage(table)).as("with a wrong bit at %d", at).isPresent();
    DamagedRepository.flipByte(table, at);
  }

  private static Set<Long> ordinalsByKey(Path file) throws Exception {
    Set<Long> ordinals = new TreeSet<>();
    try (RepairTable table = RepairTable.open(file)) {
      Roaring64Bitmap wanted = new Roaring64Bitmap();
      wanted.addRange(1, 2 * CHUNKS);
      table.forEachOf(
          wanted, 0, Long.MAX_VALUE, (key, record) -> ordinals.add(RepairTable.prefix(key)));
    }
    return ordinals;
  }

  private static Set<Long> ordinals(Path file) throws Exception {
    Set<Long> ordinals = new TreeSet<>();
    try (RepairTable table = RepairTable.open(file)) {
      table.forEachReadable((key, record) -> ordinals.add(RepairTable.prefix(key)));
    }
    return ordinals;
  }
}
