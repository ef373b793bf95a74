package io.nbdvault.bench.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ChangesTest {
  private static final int DISK_BYTES = 1 << 20;
  private static final int BLOCK_BYTES = 4096;

  @TempDir private Path directory;

  @Test
  void theFilesMakeOfTheOldDiskWhatTheTargetIsNow() throws IOException {
    byte[] expected = disk();
    Path target = write("target", expected);
    List<String> list = changes(target, 7, 20, 16384);

    assertThat(list).hasSize(20);
    for (String line : list) {
      byte[] content = Files.readAllBytes(Path.of(line.substring(line.indexOf(' ') + 1)));
      assertThat(content).hasSize(16384);
      int offset = Integer.parseInt(line.substring(0, line.indexOf(' ')));
      System.arraycopy(content, 0, expected, offset, content.length);
    }
    assertThat(Files.readAllBytes(target)).isEqualTo(expected);
    assertThat(expected).isNotEqualTo(disk());
  }

  @Test
  void noPlaceIsWrittenTwice() throws IOException {
    Path target = write("target", disk());
    Set<String> offsets = new HashSet<>();
    for (String line : changes(target, 7, DISK_BYTES / 16384, 16384)) {
      assertThat(offsets.add(line.substring(0, line.indexOf(' ')))).isTrue();
    }
  }

  @Test
  void aSeedDecidesAll() throws IOException {
    Path one = write("one", disk());
    Path same = write("same", disk());
    Path other = write("other", disk());
    changes(one, 7, 20, BLOCK_BYTES);
    changes(same, 7, 20, BLOCK_BYTES);
    changes(other, 8, 20, BLOCK_BYTES);
    assertThat(same).hasSameBinaryContentAs(one);
    assertThat(Files.mismatch(one, other)).isNotNegative();
  }

  @Test
  void refusesMoreWritesThanThereArePlaces() throws IOException {
    Path target = write("target", disk());
    assertThatThrownBy(() -> changes(target, 7, DISK_BYTES / BLOCK_BYTES + 1, BLOCK_BYTES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("count: 257 (expected: <= 256)");
  }

  /** Every second block is zeros, every other is full of its own number. */
  private static byte[] disk() {
    byte[] disk = new byte[DISK_BYTES];
    for (int block = 0; block < DISK_BYTES / BLOCK_BYTES; block += 2) {
      Arrays.fill(disk, block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES, (byte) (block + 1));
    }
    return disk;
  }

  private Path write(String name, byte[] content) throws IOException {
    return Files.write(directory.resolve(name), content);
  }

  private List<String> changes(Path target, int seed, int count, int bytes) throws IOException {
    Path source = write("source", disk());
    Path files = directory.resolve("files");
    Changes.main(
        new String[] {
          source.toString(), target.toString(), files.toString(), "" + seed, "" + count, "" + bytes
        });
    return Files.readAllLines(files.resolve("list"));
  }
}
