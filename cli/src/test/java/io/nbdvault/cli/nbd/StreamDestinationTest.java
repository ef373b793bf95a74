package io.nbdvault.cli.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class StreamDestinationTest {
  private static ByteBuffer bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return ByteBuffer.wrap(bytes);
  }

  @Test
  void writesInOrderWhateverComesFirst() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (StreamDestination stream = new StreamDestination("pipe", Channels.newChannel(out))) {
      CompletableFuture<Void> last = stream.write(6, bytes(7, 8));
      CompletableFuture<Void> middle = stream.write(2, bytes(3));
      CompletableFuture<Void> gap = stream.zero(3, 3);
      assertThat(gap).isCompleted();
      assertThat(last).isNotDone();
      assertThat(stream.write(0, bytes(1, 2))).succeedsWithin(10, TimeUnit.SECONDS);
      assertThat(middle).succeedsWithin(10, TimeUnit.SECONDS);
      assertThat(last).succeedsWithin(10, TimeUnit.SECONDS);
      assertThat(stream.finish(8)).succeedsWithin(10, TimeUnit.SECONDS);
    }
    assertThat(out.toByteArray()).containsExactly(1, 2, 3, 0, 0, 0, 7, 8);
  }

  @Test
  void failsAllWhenNobodyReads() throws Exception {
    OutputStream broken =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("Broken pipe");
          }
        };
    try (StreamDestination stream = new StreamDestination("pipe", Channels.newChannel(broken))) {
      CompletableFuture<Void> waiting = stream.write(5, bytes(1));
      CompletableFuture<Void> first = stream.write(0, bytes(1));
      for (CompletableFuture<Void> each : List.of(waiting, first)) {
        assertThatThrownBy(() -> each.get(10, TimeUnit.SECONDS)).hasMessageContaining("Broken");
      }
      assertThat(stream.finish(6)).failsWithin(10, TimeUnit.SECONDS);
      assertThat(stream.write(9, bytes(1))).isCompletedExceptionally();
    }
  }
}
