package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mistakes of our own, which are refused unless their check is off. The server is read-only, offers
 * nothing, wants blocks of 4096 bytes and at most 8192 at a time, and answers all with EINVAL.
 */
@Timeout(60)
final class StrictCheckTest {
  private static final int EINVAL = 22;

  @TempDir Path dir;
  private final BlockingQueue<ScriptedPeer.Request> requests = new LinkedBlockingQueue<>();

  private ScriptedServer refusingServer() throws IOException {
    return ScriptedServer.start(
        dir,
        peer -> {
          peer.greet();
          peer.expectOption(NbdProtocol.OPT_STRUCTURED_REPLY);
          peer.ack(NbdProtocol.OPT_STRUCTURED_REPLY);
          peer.expectOption(NbdProtocol.OPT_SET_META_CONTEXT);
          peer.ack(NbdProtocol.OPT_SET_META_CONTEXT);
          peer.expectOption(NbdProtocol.OPT_GO);
          peer.exportInfo(SIZE_BYTES, NbdProtocol.FLAG_HAS_FLAGS | NbdProtocol.FLAG_READ_ONLY);
          peer.blockSizes(4096, 4096, 8192);
          peer.ack(NbdProtocol.OPT_GO);
          while (true) {
            ScriptedPeer.Request request = peer.readRequest();
            if (request.type() == Command.DISC.code()) {
              return;
            }
            requests.add(request);
            peer.error(request.cookie(), true, EINVAL, "no");
          }
        });
  }

  /** What goes out when {@code checks} are off and {@code mistake} is made. */
  private ScriptedPeer.Request sent(
      Function<NbdClient, CompletableFuture<?>> mistake, StrictCheck... checks) throws Exception {
    requests.clear(); // A mistake that was cut into several requests has left some.
    try (ScriptedServer server = refusingServer();
        NbdClient client = NbdClient.open(server.uri(), OPTIONS.without(checks))) {
      assertFails(mistake.apply(client))
          .isInstanceOfSatisfying(
              NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.EINVAL));
      return requests.poll(10, TimeUnit.SECONDS);
    }
  }

  private void assertRefused(
      Function<NbdClient, CompletableFuture<?>> mistake, Class<?> type, String reason)
      throws Exception {
    try (ScriptedServer server = refusingServer();
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThatThrownBy(() -> await(mistake.apply(client)))
          .isInstanceOf(type)
          .hasMessageContaining(reason);
      // What comes first after the mistake is the next request: the mistake was not sent.
      assertFails(client.read(4096, ByteBuffer.allocate(4096)))
          .isInstanceOf(NbdServerException.class);
      ScriptedPeer.Request first = requests.poll(10, TimeUnit.SECONDS);
      assertThat(first).isNotNull();
      assertThat(first.type()).isEqualTo(Command.READ.code());
      assertThat(first.offset()).isEqualTo(4096);
    }
  }

  @Test
  void commandThatWasNotAnnounced() throws Exception {
    assertRefused(NbdClient::flush, NbdServerException.class, "does not offer it");
    assertRefused(
        client -> client.blockStatus(0, 4096), NbdServerException.class, "does not offer it");
    assertRefused(client -> client.trim(0, 4096), NbdServerException.class, "read-only");
    assertThat(sent(NbdClient::flush, StrictCheck.COMMANDS).type()).isEqualTo(Command.FLUSH.code());
    assertThat(sent(client -> client.blockStatus(0, 4096), StrictCheck.COMMANDS).type())
        .isEqualTo(Command.BLOCK_STATUS.code());
    assertThat(sent(client -> client.trim(0, 4096), StrictCheck.COMMANDS).type())
        .isEqualTo(Command.TRIM.code());
  }

  @Test
  void flagThatWasNotAnnounced() throws Exception {
    StrictCheck[] off = {StrictCheck.FLAGS, StrictCheck.COMMANDS};
    ByteBuffer block = ByteBuffer.allocate(4096);
    assertThat(sent(client -> client.write(0, block, WriteFlag.FUA), off).flags())
        .isEqualTo(NbdProtocol.CMD_FLAG_FUA);
    assertThat(sent(client -> client.write(0, block, WriteFlag.FAST_ZERO), off).flags())
        .isEqualTo(NbdProtocol.CMD_FLAG_FAST_ZERO);
    assertThat(sent(client -> client.trim(0, 4096, WriteFlag.FUA), off).flags())
        .isEqualTo(NbdProtocol.CMD_FLAG_FUA);
    assertThat(sent(client -> client.read(0, 4096, ReadFlag.DF), off).flags())
        .isEqualTo(NbdProtocol.CMD_FLAG_DF);
    assertThat(sent(client -> client.read(0, 4096, ReadFlag.DF)).flags()).isZero();
    try (ScriptedServer server = refusingServer();
        NbdClient client = NbdClient.open(server.uri(), OPTIONS.without(StrictCheck.COMMANDS))) {
      assertFails(client.write(0, block, WriteFlag.FUA)).hasMessageContaining("WRITE with FUA");
      assertThatThrownBy(() -> client.write(0, block, WriteFlag.NO_HOLE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("only FUA");
      assertThatThrownBy(() -> client.trim(0, 4096, WriteFlag.FAST_ZERO))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("only FUA");
    }
  }

  @Test
  void rangeOutsideTheExport() throws Exception {
    assertRefused(
        client -> client.read(SIZE_BYTES, 4096), IllegalArgumentException.class, "within 1048576");
    ScriptedPeer.Request sent = sent(client -> client.read(SIZE_BYTES, 4096), StrictCheck.BOUNDS);
    assertThat(sent.offset()).isEqualTo(SIZE_BYTES);
    assertThat(sent.length()).isEqualTo(4096);
    assertThat(sent(client -> client.read(-4096, 8192), StrictCheck.BOUNDS).offset())
        .isEqualTo(-4096);
  }

  @Test
  void rangeThatIsNotAligned() throws Exception {
    assertRefused(
        client -> client.writeZeroes(512, 4096), IllegalArgumentException.class, "aligned to 4096");
    assertThat(sent(client -> client.read(512, 512)).length()).isEqualTo(4096);
    ScriptedPeer.Request sent = sent(client -> client.read(512, 512), StrictCheck.ALIGNMENT);
    assertThat(sent.offset()).isEqualTo(512);
    assertThat(sent.length()).isEqualTo(512);
  }

  @Test
  void lengthOfZero() throws Exception {
    assertRefused(client -> client.writeZeroes(0, 0), IllegalArgumentException.class, "length: 0");
    assertThat(sent(client -> client.read(0, 0), StrictCheck.ZERO_LENGTH).length()).isZero();
    assertThat(
            sent(client -> client.read(0, ByteBuffer.allocate(0)), StrictCheck.ZERO_LENGTH)
                .length())
        .isZero();
  }

  @Test
  void payloadLongerThanTheMaximum() throws Exception {
    assertThat(sent(client -> client.read(0, 65_536)).length()).isEqualTo(8192);
    assertThat(sent(client -> client.read(0, 65_536), StrictCheck.PAYLOAD).length())
        .isEqualTo(65_536);
  }
}
