package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.SIZE_BYTES;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static io.nbdvault.nbd.client.HostileServer.statusIsFatal;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a broken server may answer to a block status. */
@Timeout(60)
final class HostileBlockStatusTest {
  @TempDir Path dir;

  @Test
  void zeroLengthExtentIsFatal() throws Exception {
    statusIsFatal(dir, "length 0", (p, r) -> p.extents(r.cookie(), true, 1, 0, 0));
    statusIsFatal(dir, "length 0", (p, r) -> p.extents(r.cookie(), true, 1, 4096, 0, 0, 0));
  }

  @Test
  void unalignedExtentIsFatal() throws Exception {
    HostileServer.Answer answer =
        (p, r) -> p.extents(r.cookie(), true, 1, 4096, 0, 100, 0, 4096, 0);
    try (ScriptedServer server =
            ScriptedServer.start(
                dir,
                peer -> {
                  peer.greet();
                  peer.expectOption(NbdProtocol.OPT_STRUCTURED_REPLY);
                  peer.ack(NbdProtocol.OPT_STRUCTURED_REPLY);
                  peer.expectOption(NbdProtocol.OPT_SET_META_CONTEXT);
                  peer.context(1, "base:allocation");
                  peer.ack(NbdProtocol.OPT_SET_META_CONTEXT);
                  peer.expectOption(NbdProtocol.OPT_GO);
                  peer.exportInfo(SIZE_BYTES, ClientFixture.FLAGS);
                  peer.blockSizes(512, 4096, 1 << 20);
                  peer.ack(NbdProtocol.OPT_GO);
                  answer.send(peer, peer.readRequest());
                  peer.awaitClosed();
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.blockStatus(0, SIZE_BYTES))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("extent of 100 bytes, not a multiple of 512");
    }
  }

  @Test
  void unknownContextIsFatal() throws Exception {
    statusIsFatal(
        dir, "unknown metadata context", (p, r) -> p.extents(r.cookie(), true, 2, 4096, 0));
  }

  @Test
  void duplicateContextIsFatal() throws Exception {
    statusIsFatal(
        dir,
        "came twice",
        (peer, r) -> {
          peer.extents(r.cookie(), false, 1, 4096, 0);
          peer.extents(r.cookie(), true, 1, 4096, 0);
        });
  }

  @Test
  void missingContextIsFatal() throws Exception {
    statusIsFatal(dir, "expected: [base:allocation]", (p, r) -> p.none(r.cookie()));
  }

  @Test
  void extentThatBeginsAfterTheEndIsFatal() throws Exception {
    statusIsFatal(
        dir,
        "after the request's end",
        (p, r) -> p.extents(r.cookie(), true, 1, (int) SIZE_BYTES, 0, 512, 0));
    statusIsFatal(
        dir, "after the request's end", (p, r) -> p.extents(r.cookie(), true, 1, -1, 0, -1, 0));
  }

  @Test
  void onlyTheLastExtentIsClampedIfTooLong() throws Exception {
    try (ScriptedServer server =
            HostileServer.serve(
                dir, (p, r) -> p.extents(r.cookie(), true, 1, 512, 0, 0x80000000, 3));
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertThat(await(client.blockStatus(0, 4096)).contexts())
          .containsEntry("base:allocation", List.of(new Extent(512, 0), new Extent(3584, 3)));
    }
  }

  @Test
  void severalExtentsUnderReqOneAreFatal() throws Exception {
    try (ScriptedServer server =
            HostileServer.serve(dir, (p, r) -> p.extents(r.cookie(), true, 1, 512, 0, 512, 3));
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.blockStatus(0, 4096, BlockStatusFlag.REQ_ONE))
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("REQ_ONE");
    }
  }

  @Test
  void dataAndHolesInAnswerToABlockStatusAreFatal() throws Exception {
    statusIsFatal(dir, "answered with data", (p, r) -> p.data(r.cookie(), true, 0, 512, 0));
    statusIsFatal(dir, "answered with a hole", (p, r) -> p.hole(r.cookie(), true, 0, 512));
  }

  @Test
  void successInASimpleReplyIsFatal() throws Exception {
    statusIsFatal(
        dir, "expected: [base:allocation]", (p, r) -> p.simple(r.cookie(), 0, new byte[0]));
  }

  @Test
  void answerToWhatIsNoBlockStatusIsFatal() throws Exception {
    try (ScriptedServer server =
            HostileServer.serve(dir, (p, r) -> p.extents(r.cookie(), true, 1, 512, 0));
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.flush())
          .isInstanceOf(NbdProtocolException.class)
          .hasMessageContaining("FLUSH: answered with a block status");
    }
  }
}
