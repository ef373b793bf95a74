package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DamagedRowsTest {
  private static final int IN_MEMORY = 10;
  private static final int ALL = 25;

  @TempDir private Path temporary;

  @Test
  void knowsMoreThanItHoldsInMemory() throws Exception {
    DamagedRepository repository = DamagedRepository.create(temporary.resolve("repository"));
    try (Database db =
        Database.open("test", repository.databaseDir(), Database.Access.READ_WRITE)) {
      DamagedRows rows = DamagedRows.read(db, IN_MEMORY);
      assertThat(rows.isEmpty()).isTrue();
      try (Database.Batch batch = db.newBatch()) {
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
      try (Database.Batch batch = db.newBatch()) {
        for (int i = 0; i < ALL; i++) {
          rows.remove(batch, key(i));
        }
        db.write(batch);
      }
      assertThat(rows.contains(key(ALL - 1))).isFalse();
      assertThat(DamagedRows.read(db, IN_MEMORY).isEmpty()).isTrue();
    }
  }

  private static IndexKey key(int number) {
    return new IndexKey(RecordType.CHUNK, new ChunkId(number + 1, 0, 0, 0));
  }
}
