package io.nbdvault.nbd.interop;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.client.ReadFlag;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.assertj.core.api.AbstractThrowableAssert;

/** What this client says of an export. */
final class Export {
  /** Patient: the machine may be busy with something else. */
  static final NbdClientOptions OPTIONS =
      NbdClientOptions.defaults()
          .withConnectTimeout(Duration.ofSeconds(60))
          .withHandshakeTimeout(Duration.ofSeconds(60))
          .withRequestTimeout(Duration.ofSeconds(120))
          .withProgressTimeout(Duration.ofSeconds(120));

  private static final int READ_BYTES = 256 << 10;
  private static final int READS_AHEAD = 64;

  private Export() {}

  /** The digest of the whole export, read into heap and direct buffers by turns. */
  static String sha256(NbdClient client, ReadFlag... flags)
      throws NbdException, NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    ArrayDeque<ByteBuffer> buffers = new ArrayDeque<>();
    ArrayDeque<CompletableFuture<Void>> reads = new ArrayDeque<>();
    ArrayDeque<ByteBuffer> free = new ArrayDeque<>();
    long size = client.export().sizeBytes();
    for (long offset = 0; offset < size || !reads.isEmpty(); ) {
      if (offset < size && reads.size() < READS_AHEAD) {
        int length = (int) Math.min(READ_BYTES, size - offset);
        ByteBuffer buffer = free.isEmpty() ? newBuffer(reads.size()) : free.remove();
        buffers.add(buffer.clear().limit(length));
        reads.add(client.read(offset, buffer, flags));
        offset += length;
      } else {
        await(reads.remove());
        ByteBuffer read = buffers.remove().flip();
        digest.update(read);
        free.add(read);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static ByteBuffer newBuffer(int number) {
    return number % 2 == 0
        ? ByteBuffer.allocate(READ_BYTES)
        : ByteBuffer.allocateDirect(READ_BYTES);
  }

  static List<Range> map(NbdClient client, String context) throws NbdException {
    List<Range> ranges = new ArrayList<>();
    long size = client.export().sizeBytes();
    long offset = 0;
    while (offset < size) {
      BlockStatus status = await(client.blockStatus(offset, size - offset));
      for (Extent extent : Objects.requireNonNull(status.contexts().get(context))) {
        Range.append(ranges, new Range(offset, extent.lengthBytes(), extent.flags()));
        offset += extent.lengthBytes();
      }
    }
    return ranges;
  }

  static <T> T await(CompletableFuture<T> future) throws NbdException {
    try {
      return future.get(150, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NbdException failure) {
        throw failure;
      }
      throw new AssertionError(e);
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  static AbstractThrowableAssert<?, ? extends Throwable> assertFails(CompletableFuture<?> future) {
    return assertThatThrownBy(() -> await(future));
  }
}
