package io.nbdvault.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.nbdvault.nbd.server.testkit.MemoryDisk;
import io.nbdvault.nbd.server.testkit.MemoryExports;
import io.nbdvault.nbd.server.testkit.RawClient;
import io.nbdvault.nbd.server.testkit.ServerFixture;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a client may ask for in the transmission phase, and what becomes of it. */
@Timeout(60)
final class HostileRequestsTest {
  private static final long SIZE = ServerFixture.SIZE_BYTES;
  private static final int EINVAL = NbdErrno.EINVAL.code();

  private static RawClient structured(ServerFixture fixture, String name) throws IOException {
    return RawClient.entered(fixture.socket(), name, HeaderStyle.STRUCTURED);
  }

  private static void isAlive(RawClient client) throws IOException {
    client.request(0, Command.READ, 77, 0, 1);
    RawClient.Chunk chunk = client.readChunk();
    assertThat(chunk.cookie()).isEqualTo(77);
    assertThat(chunk.type() & NbdProtocol.REPLY_TYPE_FLAG_ERROR).isZero();
  }

  @Test
  void dropsClientWithWrongMagic() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = structured(fixture, "ro")) {
      client.send(o -> o.writeInt(NbdProtocol.EXTENDED_REQUEST_MAGIC));
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void refusesTooLongReadWithoutAllocating() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = structured(fixture, "ro")) {
      for (long length : new long[] {(32 << 20) + 1, 0x7fffffffL, 0x80000000L, 0xffffffffL}) {
        client.request(0, Command.READ, 1, 0, length);
        assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      }
      assertThat(fixture.server().bytesInFlight()).isZero();
      assertThat(fixture.exports().reads()).isZero();
      isAlive(client);
    }
  }

  @Test
  void answersOverflowToReadUnderDfThatIsTooLong() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = structured(fixture, "ro")) {
      client.request(NbdProtocol.CMD_FLAG_DF, Command.READ, 1, 0, (32 << 20) + 1);
      assertThat(client.readErrorChunk()).isEqualTo(NbdErrno.EOVERFLOW.code());
      isAlive(client);
    }
  }

  @Test
  void skipsPayloadOfTooLongWriteWithoutAllocating() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = structured(fixture, "rw")) {
      int length = (32 << 20) + 4096;
      client.request(0, Command.WRITE, 5, 0, length);
      for (int sent = 0; sent < length; sent += 4096) {
        client.send(o -> o.writeZero(4096));
        assertThat(fixture.server().bytesInFlight()).isZero();
      }
      assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      isAlive(client);
    }
  }

  @Test
  void dropsClientWithPayloadPastEveryLimit() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.entered(fixture.socket(), "rw", HeaderStyle.EXTENDED)) {
      client.request(0, Command.WRITE, 5, 0, Long.MAX_VALUE);
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void answersInvalidPastTheEndAndLivesOn() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.entered(fixture.socket(), "ro", HeaderStyle.EXTENDED)) {
      long[][] ranges = {
        {SIZE, 1}, {SIZE - 1, 2}, {SIZE + 1, 1}, {-1L, 1}, {-1L, 2}, {Long.MIN_VALUE, 4096},
      };
      for (long[] range : ranges) {
        client.rawRequest(0, Command.READ.code(), 3, range[0], range[1]);
        assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      }
      isAlive(client);
    }
  }

  @Test
  void answersNoSpacePastTheEndOfWritableExport() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = structured(fixture, "rw")) {
      client.request(0, Command.WRITE, 3, SIZE - 1, 2);
      client.send(o -> o.writeShort(1));
      assertThat(client.readErrorChunk()).isEqualTo(NbdErrno.ENOSPC.code());
      client.request(0, Command.WRITE_ZEROES, 3, SIZE, 1);
      assertThat(client.readErrorChunk()).isEqualTo(NbdErrno.ENOSPC.code());
      client.request(0, Command.TRIM, 3, SIZE, 1);
      assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      isAlive(client);
    }
  }

  @Test
  void answersInvalidToUnknownCommandAndFlagAndZeroLength() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = structured(fixture, "rw")) {
      client.rawRequest(0, 8, 1, 0, 1);
      assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      client.rawRequest(0, 0xffff, 1, 0, 1);
      assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      client.rawRequest(1 << 9, Command.READ.code(), 1, 0, 1);
      assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      client.rawRequest(NbdProtocol.CMD_FLAG_FAST_ZERO, Command.WRITE_ZEROES.code(), 1, 0, 1);
      assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      for (Command command :
          new Command[] {
            Command.READ, Command.WRITE, Command.TRIM, Command.CACHE, Command.WRITE_ZEROES
          }) {
        client.request(0, command, 1, 0, 0);
        assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      }
      isAlive(client);
    }
  }

  @Test
  void skipsPayloadOfCommandThatTakesNone() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.entered(fixture.socket(), "rw", HeaderStyle.EXTENDED)) {
      client.rawRequest(NbdProtocol.CMD_FLAG_PAYLOAD_LEN, Command.TRIM.code(), 1, 0, 100);
      client.send(o -> o.writeZero(100));
      assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      isAlive(client);
    }
  }

  @Test
  void refusesEveryChangeOfReadOnlyExport() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = structured(fixture, "ro")) {
      int eperm = NbdErrno.EPERM.code();
      client.request(0, Command.WRITE, 1, 0, 4);
      client.send(o -> o.writeInt(1));
      assertThat(client.readErrorChunk()).isEqualTo(eperm);
      client.request(0, Command.WRITE_ZEROES, 1, 0, 4);
      assertThat(client.readErrorChunk()).isEqualTo(eperm);
      client.request(0, Command.TRIM, 1, 0, 4);
      assertThat(client.readErrorChunk()).isEqualTo(eperm);
      isAlive(client);
    }
  }

  @Test
  void answersInvalidToWhatIsNotWholeBlocks() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      fixture
          .exports()
          .add(
              new ExportInfo("b", "", SIZE, true, false, new BlockSizes(512, 4096, 1 << 20)),
              new MemoryDisk(SIZE));
      try (RawClient client = structured(fixture, "b")) {
        client.request(0, Command.READ, 1, 1, 512);
        assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
        client.request(0, Command.READ, 1, 512, 511);
        assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
        client.request(0, Command.READ, 1, 0, (1 << 20) + 512);
        assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
        client.request(0, Command.READ, 1, 512, 512);
        assertThat(client.readChunk().isLast()).isTrue();
      }
      try (RawClient client = RawClient.greeted(fixture.socket())) {
        assertThat(client.askForType(o -> OptionEncoder.goOrInfo(o, NbdProtocol.OPT_GO, "b")))
            .isEqualTo(NbdProtocol.REP_ERR_BLOCK_SIZE_REQD);
      }
    }
  }

  @Test
  void answersInvalidToBlockStatusWithoutContext() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = structured(fixture, "ro")) {
      client.request(0, Command.BLOCK_STATUS, 1, 0, SIZE);
      assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      isAlive(client);
    }
  }

  @Test
  void survivesBlockStatusOfTheLongestLength() throws Exception {
    long big = 1L << 40;
    try (ServerFixture fixture = ServerFixture.start()) {
      ExportInfo info = new ExportInfo("big", "", big, true, false, BlockSizes.DEFAULT);
      fixture.exports().add(info, new MemoryDisk(big));
      try (RawClient client =
          RawClient.entered(
              fixture.socket(), "big", HeaderStyle.STRUCTURED, MemoryExports.ALLOCATION)) {
        client.request(0, Command.BLOCK_STATUS, 1, big - 0xffffffffL, 0xffffffffL);
        RawClient.Chunk chunk = client.readChunk();
        assertThat(chunk.type()).isEqualTo(NbdProtocol.REPLY_TYPE_BLOCK_STATUS);
        assertThat(chunk.payload().getInt(4)).isEqualTo(0xffffffff);
        client.request(0, Command.BLOCK_STATUS, 1, big - 0xfffffffeL, 0xffffffffL);
        assertThat(client.readErrorChunk()).isEqualTo(EINVAL);
      }
    }
  }

  @Test
  void extentsEndWhereTheRangeDoes() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client =
            RawClient.entered(
                fixture.socket(),
                "rw",
                HeaderStyle.EXTENDED,
                MemoryExports.ALLOCATION,
                MemoryExports.DIRTY)) {
      for (int flags : new int[] {0, NbdProtocol.CMD_FLAG_REQ_ONE}) {
        client.request(flags, Command.BLOCK_STATUS, 1, 100, 5_000);
        for (int id = 0; id < 2; id++) {
          RawClient.Chunk chunk = client.readChunk();
          assertThat(chunk.type()).isEqualTo(NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT);
          assertThat(chunk.payload().getInt(0)).isEqualTo(id);
          assertThat(chunk.payload().getInt(4)).isEqualTo(1);
          assertThat(chunk.payload().getLong(8)).isEqualTo(5_000);
          assertThat(chunk.isLast()).isEqualTo(id == 1);
        }
      }
    }
  }

  @Test
  void readThatFailsMidwayIsAnErrorAlone() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      fixture.exports().failReadsAt(offset -> offset >= 1 << 20);
      try (RawClient client = structured(fixture, "ro")) {
        client.request(0, Command.READ, 1, 0, 2 << 20);
        RawClient.Chunk chunk = client.readChunk();
        assertThat(chunk.type()).isEqualTo(NbdProtocol.REPLY_TYPE_ERROR_OFFSET);
        assertThat(chunk.payload().getInt(0)).isEqualTo(NbdErrno.EIO.code());
        assertThat(chunk.payload().getLong(chunk.payload().limit() - 8)).isEqualTo(1 << 20);
        isAlive(client);
      }
      try (RawClient client = RawClient.entered(fixture.socket(), "ro", HeaderStyle.SIMPLE)) {
        client.request(0, Command.READ, 1, 0, 2 << 20);
        assertThat(client.readSimple().error()).isEqualTo(NbdErrno.EIO.code());
        client.request(0, Command.READ, 2, 0, 1);
        assertThat(client.readSimple()).isEqualTo(new RawClient.Simple(0, 2));
      }
    }
  }

  @Test
  void multiConnOnlyForWhatIsCoherent() {
    ExportInfo coherent = new ExportInfo("a", "", 1, false, true, BlockSizes.DEFAULT);
    ExportInfo other = new ExportInfo("a", "", 1, false, false, BlockSizes.DEFAULT);
    int flag = NbdProtocol.FLAG_CAN_MULTI_CONN;
    assertThat(TransmissionFlags.of(coherent, HeaderStyle.SIMPLE) & flag).isEqualTo(flag);
    assertThat(TransmissionFlags.of(other, HeaderStyle.SIMPLE) & flag).isZero();
  }

  @Test
  void requestsInFlightAreBounded() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = structured(fixture, "ro")) {
      fixture.exports().hold();
      for (int i = 0; i < 100; i++) {
        client.request(0, Command.READ, i, 0, 1 << 16);
      }
      long each = FixedLimits.REQUEST_BYTES + (1 << 16);
      while (fixture.server().bytesInFlight() < 16 * each) {
        Thread.sleep(5);
      }
      Thread.sleep(100);
      assertThat(fixture.server().bytesInFlight()).isEqualTo(16 * each);
      fixture.exports().release();
      int done = 0;
      while (done < 100) {
        done += client.readChunk().isLast() ? 1 : 0;
      }
      isAlive(client);
    }
  }

  @Test
  void bytesInFlightAreBoundedOverAllConnections() throws Exception {
    ServerLimits small = new ServerLimits(9, 10_000, 99, 9, 16, 1 << 20, 1 << 20, 60_000, 2);
    try (ServerFixture fixture = ServerFixture.withLimits(small);
        RawClient first = structured(fixture, "ro");
        RawClient second = structured(fixture, "ro")) {
      fixture.exports().hold();
      int length = 600 << 10;
      first.request(0, Command.READ, 1, 0, length);
      while (fixture.server().bytesInFlight() == 0) {
        Thread.sleep(5);
      }
      second.request(0, Command.READ, 2, 0, length);
      Thread.sleep(100);
      assertThat(fixture.server().bytesInFlight()).isEqualTo(length + FixedLimits.REQUEST_BYTES);
      assertThat(fixture.exports().reads()).isEqualTo(1);
      fixture.exports().release();
      readAll(first, length);
      readAll(second, length);
      isAlive(second);
    }
  }

  private static void readAll(RawClient client, int length) throws IOException {
    boolean isLast = false;
    long bytes = 0;
    while (!isLast) {
      RawClient.Chunk chunk = client.readChunk();
      isLast = chunk.isLast();
      bytes +=
          chunk.type() == NbdProtocol.REPLY_TYPE_OFFSET_HOLE
              ? chunk.payload().getInt(8)
              : chunk.payload().limit() - 8;
    }
    assertThat(bytes).isEqualTo(length);
  }

  @Test
  void dropsClientThatNeverReads() throws Exception {
    try (ServerFixture fixture = ServerFixture.withDeadlines(10_000, 500);
        RawClient client = RawClient.entered(fixture.socket(), "rw", HeaderStyle.SIMPLE)) {
      long begin = System.nanoTime();
      try {
        for (int i = 0; i < 100_000; i++) {
          client.request(0, Command.READ, i, 0, 1 << 20);
        }
      } catch (IOException e) {
        // The server has closed the connection, which a write may notice.
        assertThat(e).hasMessageMatching("Broken pipe|Connection reset.*");
      }
      while (fixture.server().connectionCount() > 0) {
        Thread.sleep(5);
      }
      assertThat(System.nanoTime() - begin).isGreaterThan(400_000_000L);
      while (fixture.server().bytesInFlight() > 0) {
        Thread.sleep(5);
      }
      assertThat(fixture.exports().reads()).isLessThan(30);
    }
  }

  @Test
  void dropsClientThatDoesNotEndItsRequest() throws Exception {
    try (ServerFixture fixture = ServerFixture.withDeadlines(10_000, 300);
        RawClient client = structured(fixture, "rw");
        RawClient header = structured(fixture, "rw");
        RawClient idle = structured(fixture, "rw")) {
      client.request(0, Command.WRITE, 1, 0, 1 << 20);
      header.send(o -> o.writeInt(NbdProtocol.REQUEST_MAGIC));
      assertThat(client.isClosedByServer()).isTrue();
      assertThat(header.isClosedByServer()).isTrue();
      while (fixture.server().bytesInFlight() > 0) {
        Thread.sleep(5);
      }
      isAlive(idle);
    }
  }

  @Test
  void answersWhatIsInFlightBeforeItDisconnects() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.entered(fixture.socket(), "rw", HeaderStyle.SIMPLE)) {
      fixture.exports().hold();
      client.request(0, Command.READ, 9, 0, 10);
      client.request(0, Command.DISC, 0, 0, 0);
      fixture.exports().release();
      assertThat(client.readSimple()).isEqualTo(new RawClient.Simple(0, 9));
      assertThat(client.bytes(10)).containsOnly(0);
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void takesRequestsByteByByte() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.entered(fixture.socket(), "rw", HeaderStyle.SIMPLE)) {
      client.sendSlowly(
          o -> {
            o.writeInt(NbdProtocol.REQUEST_MAGIC).writeShort(0).writeShort(1);
            o.writeLong(4).writeLong(100).writeInt(3).writeMedium(0x010203);
          });
      assertThat(client.readSimple()).isEqualTo(new RawClient.Simple(0, 4));
      assertThat(fixture.writable().bytes(99, 5)).containsExactly(0, 1, 2, 3, 0);
    }
  }
}
