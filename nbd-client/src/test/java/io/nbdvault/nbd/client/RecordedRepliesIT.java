package io.nbdvault.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.fuzz.FuzzInput;
import io.nbdvault.nbd.fuzz.Recorder;
import io.nbdvault.nbd.fuzz.Target;
import io.nbdvault.nbd.protocol.HandshakeMessage;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.nbdvault.nbd.protocol.RequestEncoder;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.netty.buffer.ByteBuf;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What real servers send must pass through the fuzzer's targets. With {@code
 * -Dnbdvault.fuzz.record=DIR} it is also kept there, as seeds of the corpus.
 */
@Timeout(60)
final class RecordedRepliesIT {
  private static final String EXPORT_BYTES = Long.toString(ReplyScenario.EXPORT_BYTES);
  private static final int RECEIVE_BYTES_MAX = 700;
  // Four operations each, of all kinds; kind, offset, length.
  private static final List<byte[]> ASKS =
      List.of(
          bytes(3, 0, 0, 0, 1, 0, 1, 2, 0, 5, 0xdb, 2, 0, 100, 2, 88, 3, 0, 0, 0xff, 0xff),
          bytes(3, 0x83, 0, 0, 4, 0, 4, 1, 0, 0, 255, 5, 2, 0, 0, 255, 6, 1, 44, 1, 255),
          bytes(3, 7, 16, 0, 8, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 9, 0x81, 1, 0, 1, 99));

  private final AtomicInteger recordings = new AtomicInteger();

  @TempDir Path dir;

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  @Test
  void repliesOfNbdkitPass() throws Exception {
    String[][] servers = {
      {"sparse-random", EXPORT_BYTES, "seed=1", "percent=50"},
      {"memory", EXPORT_BYTES},
      {"--no-sr", "memory", EXPORT_BYTES},
      {"--filter=error", "memory", EXPORT_BYTES, "error=ENOSPC", "error-rate=50%"},
    };
    for (String[] arguments : servers) {
      try (ExternalServer server = ExternalServer.nbdkit(dir, arguments)) {
        record(server, "nbdkit", "base:allocation");
      }
    }
  }

  @Test
  void repliesOfQemuNbdPass() throws Exception {
    Path disk = dir.resolve("disk.qcow2");
    Commands.run("qemu-img", "create", "-q", "-f", "qcow2", disk.toString(), "131584");
    Commands.run("qemu-img", "bitmap", "--add", "-g", "512", disk.toString(), "b0");
    Commands.run("qemu-io", "-f", "qcow2", "-c", "write -P 7 4096 1024", disk.toString());
    try (ExternalServer server =
        ExternalServer.qemuNbd(dir, "-f", "qcow2", "-B", "b0", "-A", disk.toString())) {
      record(
          server, "qemu-nbd", "base:allocation", "qemu:allocation-depth", "qemu:dirty-bitmap:b0");
    }
  }

  private void record(ExternalServer server, String name, String... contexts) throws Exception {
    for (byte[] asks : ASKS) {
      for (HeaderStyle style : HeaderStyle.values()) {
        try (Recorder recorder = new Recorder(server.uri())) {
          recorder.takeRecorded();
          int flags = negotiate(recorder, style, List.of(contexts));
          recorder.takeRecorded();
          record(recorder, flags, asks, name);
        }
      }
    }
  }

  /** Returns a scenario's first choice. */
  private static int negotiate(Recorder recorder, HeaderStyle wanted, List<String> contexts)
      throws IOException, NbdException {
    HeaderStyle style = HeaderStyle.SIMPLE;
    if (wanted != HeaderStyle.SIMPLE) {
      int option =
          wanted == HeaderStyle.EXTENDED
              ? NbdProtocol.OPT_EXTENDED_HEADERS
              : NbdProtocol.OPT_STRUCTURED_REPLY;
      List<HandshakeMessage> answer = recorder.ask(option, out -> OptionEncoder.plain(out, option));
      style = answer.get(0) instanceof HandshakeMessage.Ack ? wanted : HeaderStyle.SIMPLE;
    }
    int agreed = 0;
    int firstId = 0;
    if (style != HeaderStyle.SIMPLE) {
      int option = NbdProtocol.OPT_SET_META_CONTEXT;
      List<HandshakeMessage> answer =
          recorder.ask(option, out -> OptionEncoder.metaContext(out, option, "", contexts));
      for (HandshakeMessage message : answer) {
        if (message instanceof HandshakeMessage.MetaContext context) {
          firstId = agreed == 0 ? context.id() : firstId;
          // Scenarios know the contexts in this order only, and by ids in sequence.
          assertThat(context.name()).isEqualTo(contexts.get(agreed));
          assertThat(context.id()).isEqualTo(firstId + agreed);
          agreed++;
        }
      }
    }
    int go = NbdProtocol.OPT_GO;
    recorder.ask(go, out -> OptionEncoder.goOrInfo(out, go, ""));
    return ReplyScenario.STYLES.indexOf(style) | agreed << 3 | firstId << 5;
  }

  private void record(Recorder recorder, int flags, byte[] asks, String name) throws Exception {
    ByteArrayOutputStream input = new ByteArrayOutputStream();
    input.write(flags);
    input.write(asks);
    ReplyScenario scenario = ReplyScenario.choose(new FuzzInput(input.toByteArray()));
    input.write(recordings.get());
    ReplyRun run = new ReplyRun(scenario, false);
    int sent = 0;
    while (!run.over()) {
      // A request that failed under DF is sent again.
      for (; sent < run.sent().size(); sent++) {
        Request request = run.sent().get(sent);
        recorder.send(out -> encode(out, scenario.style(), request));
      }
      run.feed(recorder.receive(RECEIVE_BYTES_MAX));
    }
    assertThat(run.end()).noneMatch(event -> event.startsWith("fatal"));
    input.write(recorder.takeRecorded());
    Target.REPLIES.run(input.toByteArray());
    Recorder.keep("replies", name + "-" + recordings.incrementAndGet(), input.toByteArray());
  }

  private static void encode(ByteBuf out, HeaderStyle style, Request request) {
    RequestEncoder.encode(
        out,
        style,
        request.flags(),
        request.command(),
        request.cookie,
        request.offsetBytes(),
        request.lengthBytes());
    ByteBuf payload = request.payload();
    if (payload != null) {
      out.writeBytes(payload);
      payload.release();
    }
  }
}
