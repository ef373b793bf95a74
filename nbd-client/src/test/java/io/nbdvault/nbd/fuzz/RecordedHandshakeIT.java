package io.nbdvault.nbd.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.protocol.HandshakeMessage;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.netty.buffer.ByteBuf;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What real servers answer to every option must pass through the fuzzer's target. With {@code
 * -Dnbdvault.fuzz.record=DIR} it is also kept there, as seeds of the corpus.
 */
@Timeout(60)
final class RecordedHandshakeIT {
  private static final int NO_ZEROES_REPLY = 0;
  private static final int OPTION_REPLY = 2;
  private static final int GREETING = 3;

  @TempDir Path dir;

  @Test
  void handshakesOfNbdkitPass() throws Exception {
    try (ExternalServer server =
        ExternalServer.nbdkit(
            dir,
            "--filter=exportname",
            "--filter=blocksize-policy",
            "memory",
            "1M",
            "exportname=",
            "exportname=disk",
            "exportname-list=explicit",
            "exportdesc=fixed:a disk",
            "blocksize-minimum=512",
            "blocksize-preferred=4096",
            "blocksize-maximum=1M")) {
      record(server, "nbdkit");
    }
  }

  @Test
  void handshakesOfQemuNbdPass() throws Exception {
    Path disk = dir.resolve("disk.raw");
    Files.write(disk, new byte[1 << 20]);
    try (ExternalServer server =
        ExternalServer.qemuNbd(
            dir, "-f", "raw", "-x", "disk", "-D", "a description", "-A", disk.toString())) {
      record(server, "qemu-nbd");
    }
  }

  private static void record(ExternalServer server, String name) throws Exception {
    try (Recorder recorder = new Recorder(server.uri())) {
      byte[] greeting = recorder.takeRecorded();
      for (int option : new int[] {NbdProtocol.OPT_LIST, NbdProtocol.OPT_STARTTLS, 99}) {
        byte[] reply = ask(recorder, option, name, out -> OptionEncoder.plain(out, option));
        check(GREETING, option, concatenate(greeting, reply), name + "-greeting-" + option);
      }
      for (int option :
          new int[] {NbdProtocol.OPT_EXTENDED_HEADERS, NbdProtocol.OPT_STRUCTURED_REPLY}) {
        ask(recorder, option, name, out -> OptionEncoder.plain(out, option));
      }
      for (int option :
          new int[] {NbdProtocol.OPT_LIST_META_CONTEXT, NbdProtocol.OPT_SET_META_CONTEXT}) {
        List<String> queries = List.of("base:allocation", "qemu:allocation-depth");
        ask(recorder, option, name, o -> OptionEncoder.metaContext(o, option, "disk", queries));
      }
      for (int option : new int[] {NbdProtocol.OPT_INFO, NbdProtocol.OPT_GO}) {
        ask(
            recorder,
            option,
            name,
            out ->
                OptionEncoder.goOrInfo(
                    out,
                    option,
                    "disk",
                    NbdProtocol.INFO_NAME,
                    NbdProtocol.INFO_DESCRIPTION,
                    NbdProtocol.INFO_BLOCK_SIZE));
      }
    }
    for (int option : new int[] {NbdProtocol.OPT_INFO, NbdProtocol.OPT_GO}) {
      // Some servers hang up after their refusal.
      try (Recorder recorder = new Recorder(server.uri())) {
        recorder.takeRecorded();
        ask(recorder, option, name + "-unknown", o -> OptionEncoder.goOrInfo(o, option, "x\ny"));
      }
    }
    try (Recorder recorder = new Recorder(server.uri())) {
      recorder.takeRecorded();
      recorder.send(out -> OptionEncoder.exportName(out, "disk"));
      ByteBuf reply = recorder.receive(10);
      assertThat(reply.readableBytes()).isEqualTo(10);
      check(NO_ZEROES_REPLY, 0, recorder.takeRecorded(), name + "-export-name");
    }
  }

  private static byte[] ask(Recorder recorder, int option, String name, Consumer<ByteBuf> message)
      throws Exception {
    List<HandshakeMessage> answer = recorder.ask(option, message);
    assertThat(answer).isNotEmpty();
    byte[] reply = recorder.takeRecorded();
    check(OPTION_REPLY, option, reply, name + "-option-" + option);
    return reply;
  }

  private static void check(int expected, int option, byte[] stream, String name) throws Exception {
    ByteArrayOutputStream input = new ByteArrayOutputStream();
    input.write(expected);
    input.write(option);
    input.write(stream.length);
    input.write(stream);
    Target.HANDSHAKE.run(input.toByteArray());
    Recorder.keep("handshake", name, input.toByteArray());
  }

  private static byte[] concatenate(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }
}
