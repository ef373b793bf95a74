package io.nbdvault.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RawFileTargetTest {
  private static final int BLOCK = 64 << 10;

  /** Ends within a block of any file system. */
  private static final int SIZE = 3 * BLOCK + 1536;

  @TempDir private Path dir;
  private final byte[] content = new byte[SIZE];

  private void writeAll(RawFileTarget target) throws IOException {
    new Random(1).nextBytes(content);
    Arrays.fill(content, BLOCK, 2 * BLOCK, (byte) 0);
    target.write(2L * BLOCK, ByteBuffer.wrap(content, 2 * BLOCK, SIZE - 2 * BLOCK));
    ByteBuffer first = ByteBuffer.wrap(content, 0, BLOCK);
    target.write(0, first);
    assertThat(first.hasRemaining()).isFalse();
    target.complete();
    target.publish();
  }

  @Test
  void writesWholeBlocksAndWhatIsNone() throws IOException {
    Path file = dir.resolve("disk.raw");
    try (RawFileTarget target = RawFileTarget.create(file, SIZE)) {
      writeAll(target);
    }
    assertThat(file).hasBinaryContent(content);
  }

  @Test
  void writesWholeBlocksPastThePageCache() throws IOException {
    Path file = dir.resolve("disk.raw");
    TemporaryFile temporary = TemporaryFile.create(file);
    FileChannel refuses = FileChannel.open(temporary.path(), StandardOpenOption.WRITE);
    refuses.close();
    FileChannel direct = FileChannel.open(temporary.path(), StandardOpenOption.WRITE);
    try (RawFileTarget target = new RawFileTarget(temporary, refuses, Optional.of(direct), 4096)) {
      target.write(0, ByteBuffer.allocate(BLOCK));
      assertThat(direct.size()).isEqualTo(BLOCK);
      assertThatThrownBy(() -> target.write(0, ByteBuffer.allocate(100)))
          .isInstanceOf(ClosedChannelException.class);
    }
    assertThat(direct.isOpen()).isFalse();
  }

  @Test
  void closesWhatItCanIfSomethingElseFails() throws IOException {
    TemporaryFile temporary = TemporaryFile.create(dir.resolve("disk.raw"));
    FileChannel channel = FileChannel.open(temporary.path(), StandardOpenOption.WRITE);
    FileChannel direct = FileChannel.open(temporary.path(), StandardOpenOption.WRITE);
    // A directory with something in it cannot be removed as a file.
    Files.delete(temporary.path());
    Files.createDirectories(temporary.path().resolve("inside"));
    RawFileTarget target = new RawFileTarget(temporary, channel, Optional.of(direct), 4096);
    assertThatThrownBy(target::close).isInstanceOf(DirectoryNotEmptyException.class);
    assertThat(channel.isOpen()).isFalse();
    assertThat(direct.isOpen()).isFalse();
  }

  @Test
  void writesThroughThePageCacheWhereNothingElseWorks() throws IOException {
    Path file = dir.resolve("disk.raw");
    TemporaryFile temporary = TemporaryFile.create(file);
    FileChannel refuses = FileChannel.open(temporary.path(), StandardOpenOption.WRITE);
    refuses.close();
    FileChannel works = FileChannel.open(temporary.path(), StandardOpenOption.WRITE);
    try (RawFileTarget target = new RawFileTarget(temporary, works, Optional.of(refuses), 4096)) {
      writeAll(target);
    }
    assertThat(file).hasBinaryContent(content);
    assertThat(dir.toFile().list()).containsExactly("disk.raw");
  }
}
