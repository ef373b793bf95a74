package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.OPTIONS;
import static io.nbdvault.nbd.client.ClientFixture.assertFails;
import static io.nbdvault.nbd.client.ClientFixture.await;
import static io.nbdvault.nbd.client.HostileServer.readFailsAlone;
import static io.nbdvault.nbd.client.HostileServer.readIsFatal;
import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a broken server may answer to a read. */
@Timeout(60)
final class HostileReadTest {
  @TempDir Path dir;

  @Test
  void dataOutsideTheRequestIsFatal() throws Exception {
    readIsFatal(dir, "lies outside", (p, r) -> p.data(r.cookie(), true, 4095, 4096, 1));
    readIsFatal(dir, "lies outside", (p, r) -> p.data(r.cookie(), true, 4097, 4096, 1));
    readIsFatal(dir, "lies outside", (p, r) -> p.data(r.cookie(), true, 4096, 4097, 1));
    readIsFatal(dir, "lies outside", (p, r) -> p.data(r.cookie(), true, 0, 1, 1));
    readIsFatal(dir, "lies outside", (p, r) -> p.data(r.cookie(), true, 8192, 1, 1));
  }

  @Test
  void holeOutsideTheRequestIsFatal() throws Exception {
    readIsFatal(dir, "lies outside", (p, r) -> p.hole(r.cookie(), true, 8191, 2));
    readIsFatal(dir, "lies outside", (p, r) -> p.hole(r.cookie(), true, 4095, 1));
    readIsFatal(dir, "lies outside", (p, r) -> p.hole(r.cookie(), true, 4096, 4097));
  }

  @Test
  void dataOfZeroLengthIsFatal() throws Exception {
    readIsFatal(dir, "length: 8", (p, r) -> p.data(r.cookie(), false, 4096, 0, 1));
  }

  @Test
  void holeOfZeroLengthIsFatal() throws Exception {
    readIsFatal(dir, "length: 0", (p, r) -> p.hole(r.cookie(), false, 4096, 0));
  }

  @Test
  void offsetPlusLengthThatOverflowsIsFatal() throws Exception {
    readIsFatal(dir, "lies outside", (p, r) -> p.data(r.cookie(), true, Long.MAX_VALUE, 1, 1));
    readIsFatal(dir, "lies outside", (p, r) -> p.data(r.cookie(), true, -1, 1, 1));
    readIsFatal(dir, "lies outside", (p, r) -> p.data(r.cookie(), true, -4096, 8192, 1));
    readIsFatal(dir, "lies outside", (p, r) -> p.hole(r.cookie(), true, 4096, -1));
    readIsFatal(dir, "lies outside", (p, r) -> p.hole(r.cookie(), true, Long.MIN_VALUE, 1));
    readIsFatal(dir, "lies outside", (p, r) -> p.hole(r.cookie(), true, Long.MAX_VALUE, -1));
  }

  @Test
  void overlappingCoverageFailsTheRequest() throws Exception {
    readFailsAlone(
        dir,
        "overlapping",
        (peer, r) -> {
          peer.data(r.cookie(), false, 0, 2048, 1);
          peer.hole(r.cookie(), true, 1024, 3072);
        });
    readFailsAlone(
        dir,
        "overlapping",
        (peer, r) -> {
          peer.hole(r.cookie(), false, 2048, 2048);
          peer.data(r.cookie(), true, 0, 4096, 1);
        });
  }

  @Test
  void repeatedCoverageFailsTheRequestAlthoughItsBytesSumUp() throws Exception {
    readFailsAlone(
        dir,
        "overlapping",
        (peer, r) -> {
          peer.data(r.cookie(), false, 0, 2048, 1);
          peer.data(r.cookie(), true, 0, 2048, 1);
        });
  }

  @Test
  void coverageMissingAtDoneFailsTheRequest() throws Exception {
    String first = "first missing byte is at ";
    readFailsAlone(dir, first + 2048, (p, r) -> p.data(r.cookie(), true, 0, 2048, 1));
    readFailsAlone(dir, first + 0, (p, r) -> p.hole(r.cookie(), true, 1, 4095));
    readFailsAlone(dir, first + 0, (p, r) -> p.none(r.cookie()));
    readFailsAlone(
        dir,
        first + 2048,
        (peer, r) -> {
          peer.data(r.cookie(), false, 0, 2048, 1);
          peer.data(r.cookie(), false, 2049, 2047, 1);
          peer.none(r.cookie());
        });
  }

  @Test
  void secondContentChunkUnderDfIsFatal() throws Exception {
    readIsFatal(dir, "under DF", HostileReadTest::sendHalves);
    readIsFatal(
        dir,
        "under DF",
        (peer, r) -> {
          peer.hole(r.cookie(), false, 4096, 2048);
          peer.hole(r.cookie(), true, 6144, 2048);
        });
  }

  private static void sendHalves(ScriptedPeer peer, ScriptedPeer.Request request)
      throws IOException {
    peer.data(request.cookie(), false, 4096, 2048, 1);
    peer.data(request.cookie(), true, 6144, 2048, 1);
  }

  @Test
  void noneWithoutDoneIsFatal() throws Exception {
    readIsFatal(dir, "without DONE", (p, r) -> p.chunk(r.cookie(), false, 0, o -> {}));
  }

  @Test
  void noneWithAPayloadIsFatal() throws Exception {
    readIsFatal(dir, "length: 1", (p, r) -> p.chunk(r.cookie(), true, 0, o -> o.write(0)));
  }

  @Test
  void blockStatusInAnswerToAReadIsFatal() throws Exception {
    readIsFatal(dir, "answered with", (p, r) -> p.extents(r.cookie(), true, 1, 4096, 0));
  }

  @Test
  void errorOutsideTheRequestIsFatal() throws Exception {
    for (long offset : new long[] {4095, 8192, -1}) {
      readIsFatal(dir, "outside the request", (p, r) -> errorAt(p, r, offset));
    }
  }

  private static void errorAt(ScriptedPeer peer, ScriptedPeer.Request request, long offset)
      throws IOException {
    peer.chunk(
        request.cookie(),
        true,
        NbdProtocol.REPLY_TYPE_ERROR_OFFSET,
        o -> {
          o.writeInt(5);
          o.writeShort(0);
          o.writeLong(offset);
        });
  }

  @Test
  void anyErrorChunkMakesTheDataInvalidWhateverElseCame() throws Exception {
    String reason = "EIO: READ of 4096 bytes at 0 failed";
    readFailsAlone(
        dir,
        reason + ": disk on fire",
        (peer, r) -> {
          peer.error(r.cookie(), false, 5, "disk on fire");
          peer.data(r.cookie(), true, 0, 4096, 1);
        });
    readFailsAlone(
        dir,
        reason,
        (peer, r) -> {
          peer.data(r.cookie(), false, 0, 4096, 1);
          peer.error(r.cookie(), true, 5, "");
        });
    readFailsAlone(
        dir,
        reason,
        (peer, r) -> {
          peer.data(r.cookie(), false, 0, 2048, 1);
          peer.error(r.cookie(), false, 5, "");
          peer.data(r.cookie(), false, 2048, 2048, 1);
          peer.none(r.cookie());
        });
  }

  @Test
  void errorChunkWithAnOffsetMakesTheDataInvalidToo() throws Exception {
    readFailsAlone(
        dir,
        "EIO",
        (peer, r) -> {
          peer.data(r.cookie(), false, 0, 4096, 1);
          errorAt(peer, r, 512);
        });
  }

  @Test
  void firstOfSeveralErrorsCounts() throws Exception {
    try (ScriptedServer server =
            HostileServer.serve(
                dir,
                (peer, r) -> {
                  peer.error(r.cookie(), false, 28, "first");
                  peer.error(r.cookie(), true, 5, "second");
                });
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      assertFails(client.read(0, ByteBuffer.allocate(1)))
          .isInstanceOfSatisfying(
              NbdServerException.class, e -> assertThat(e.errno()).isEqualTo(NbdErrno.ENOSPC));
      await(client.flush());
    }
  }
}
