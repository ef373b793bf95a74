package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DamagedRowsTest {
  private static final int IN_MEMORY = 10;
  private static final int ALL = 25;

  @TempDir private Path temporary;

  @Test
  void knowsMoreThanItHoldsInMemory() throws Exception {
    DamagedRepository repository = DamagedRepository.create(temporary.resolve("repository"));
    try (Database db = Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE)) {
      DamagedRows rows = DamagedRows.read(db, IN_MEMORY);
      assertThat(rows.isEmpty()).isTrue();
      try (RowBatch batch = db.newBatch()) {
        for (int i = 0; i < ALL; i++) {
          rows.add(batch, key(i));
        }
        db.write(batch);
      }
      for (DamagedRows same : new DamagedRows[] {rows, DamagedRows.read(db, IN_MEMORY)}) {
        assertThat(same.isEmpty()).isFalse();
        for (int i = 0; i < ALL; i++) {
          assertThat(same.contains(key(i))).as("%d", i).isTrue();
        }
        assertThat(same.contains(key(ALL))).isFalse();
      }
      try (RowBatch batch = db.newBatch()) {
        for (int i = 0; i < ALL; i++) {
          rows.remove(batch, key(i));
        }
        db.write(batch);
      }
      assertThat(rows.contains(key(ALL - 1))).isFalse();
      assertThat(DamagedRows.read(db, IN_MEMORY).isEmpty()).isTrue();
    }
  }

  @Test
  void takesAwayWhatItCannotLookUp() throws Exception {
    DamagedRepository repository = DamagedRepository.create(temporary.resolve("repository"));
    List<Path> before = repository.tables(Family.DEFAULT);
    try (Database db = Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE);
        RowBatch added = db.newBatch();
        RowBatch removed = db.newBatch()) {
      DamagedRows rows = DamagedRows.read(db, IN_MEMORY);
      for (int i = 0; i < ALL; i++) {
        rows.add(added, key(i));
      }
      db.write(added);
      db.flush();
      List<Path> tables = new ArrayList<>(repository.tables(Family.DEFAULT));
      tables.removeAll(before);
      DamagedRepository.flipByte(tables.get(0), 10);
      assertThatThrownBy(() -> rows.contains(key(ALL - 1))).isInstanceOf(DamagedException.class);

      rows.remove(removed, key(ALL - 1));
      db.write(removed);

      assertThat(rows.contains(key(ALL - 1))).isFalse();
    }
  }

  private static IndexKey key(int number) {
    return new IndexKey(RecordType.CHUNK, new ChunkId(number + 1, 0, 0, 0));
  }
}
