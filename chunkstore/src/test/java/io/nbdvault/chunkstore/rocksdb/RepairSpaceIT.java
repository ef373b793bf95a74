package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.RepairListener;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.StoreFailedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On a small file system; mounting it needs root. */
@Timeout(120)
class RepairSpaceIT {
  private static final long FILE_SYSTEM_BYTES = 48 << 20;
  private static final int CHUNKS = 400;
  private static final RepairListener SILENT = (what, done, expected) -> {};

  @TempDir private Path temporary;

  @Test
  void aRepairOfADamagedFileAsksForItsSpaceBeforeItBegins() throws Exception {
    try (LoopFileSystem disk =
        LoopFileSystem.make(temporary.resolve("disk"), FILE_SYSTEM_BYTES, "loop")) {
      Path dir = disk.root().resolve("repository");
      DamagedRepository repository = DamagedRepository.create(dir);
      try (ChunkStore store = repository.open()) {
        repository.backUp(store, image());
      }
      Path table =
          repository.tables(Family.CHUNK).stream()
              .max(Comparator.comparingLong(file -> file.toFile().length()))
              .orElseThrow();
      byte[] bytes = Files.readAllBytes(table);
      bytes[bytes.length / 2] ^= 1;
      Files.write(table, bytes);
      RepairPlan plan = Repositories.planRepair(dir, SILENT);
      List<Path> before = repository.files();
      Path filler = disk.root().resolve("filler");
      long usable = new RepositoryDirectory(dir).usableBytes();
      Files.write(filler, new byte[(int) (usable - plan.spaceBytes() / 2)]);

      assertThatThrownBy(() -> Repositories.repair(dir, SILENT))
          .isInstanceOf(StoreFailedException.class)
          .hasMessageContaining("needs " + plan.spaceBytes() + " bytes of free space");

      assertThat(repository.files()).isEqualTo(before);
      assertThat(dir.resolve("db.repairing")).doesNotExist();
      Files.delete(filler);
      assertThat(Repositories.repair(dir, SILENT).plan().steps()).isEqualTo(plan.steps());
    }
  }

  private static DiskImage image() {
    Random random = Seeds.random("space of a repair");
    DiskImage image = new DiskImage(CHUNKS * DamagedRepository.CHUNK, DamagedRepository.CHUNK);
    for (int i = 0; i < CHUNKS; i++) {
      image.fill(i, random);
    }
    return image;
  }
}
