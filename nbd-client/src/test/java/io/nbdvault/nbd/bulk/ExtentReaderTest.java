package io.nbdvault.nbd.bulk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class ExtentReaderTest {
  private static final int BLOCKS = 500;
  private static final int BYTES = BLOCKS * MappedDisk.BLOCK_BYTES;
  private static final NbdClientOptions OPTIONS =
      NbdClientOptions.defaults().withMetaContexts(List.of("base:allocation", MappedDisk.DIRTY));
  private static final BulkOptions SMALL = new BulkOptions(32 << 10, 256 << 10, 1 << 20, 8 << 10);

  /** Gives no place back by itself, so a read stops when all places are taken. */
  private static final class HoldingSink extends RecordingSink {
    final Queue<DataLease> held = new ConcurrentLinkedQueue<>();
    final CountDownLatch full = new CountDownLatch(8);

    HoldingSink() {
      super(BYTES);
    }

    @Override
    public void data(long offsetBytes, DataLease data) {
      held.add(data);
      full.countDown();
    }
  }

  @TempDir Path dir;

  private final MappedDisk disk = new MappedDisk(1, BLOCKS);

  private static void await(BulkRead read) throws Exception {
    read.future().get(30, TimeUnit.SECONDS);
  }

  private static void assertFails(BulkRead read, Class<? extends Throwable> cause) {
    assertThatThrownBy(() -> await(read))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(cause);
  }

  /** Checks that exactly the wanted bytes came, each once, and as what. */
  private static void check(
      MappedDisk disk, RecordingSink sink, IntPredicate wanted, IntPredicate zero) {
    assertThat(sink.mistakes).isEmpty();
    for (int i = 0; i < BYTES; i++) {
      if (sink.delivered[i] != wanted.test(i)) {
        throw new AssertionError("byte " + i + " delivered: " + sink.delivered[i]);
      }
      if (sink.delivered[i]
          && (sink.content[i] != disk.content[i] || sink.asZero[i] != zero.test(i))) {
        throw new AssertionError("byte " + i + " is wrong");
      }
    }
  }

  @Test
  void deliversEachSelectedByteOnceFromAwkwardServers() throws Exception {
    long seed = Long.getLong("nbdvault.test.seed", System.nanoTime());
    System.out.println("ExtentReaderTest nbdvault.test.seed=" + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 20; round++) {
      MappedDisk awkward = new MappedDisk(random.nextLong(), BLOCKS);
      int request = 4096 << random.nextInt(6);
      BulkOptions options =
          new BulkOptions(
              request,
              request * (1L + random.nextInt(40)),
              (1 << 20) + random.nextInt(1 << 20),
              random.nextInt(64 << 10));
      int from = random.nextInt(BYTES);
      int to = from + random.nextInt(BYTES - from);
      try (ScriptedServer server = ScriptedServer.start(dir, awkward);
          NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
        readAndCheck(client, awkward, options, from, to);
      }
    }
  }

  private static void readAndCheck(
      NbdClient client, MappedDisk disk, BulkOptions options, int from, int to) throws Exception {
    IntPredicate inside = i -> i >= from && i < to;
    IntPredicate zero = i -> disk.zero[i / MappedDisk.BLOCK_BYTES];
    RecordingSink sink = new RecordingSink(BYTES);
    await(ExtentReader.start(client, Selection.allocated().within(from, to - from), options, sink));
    check(disk, sink, inside, zero);
    sink = new RecordingSink(BYTES);
    await(
        ExtentReader.start(client, Selection.everything().within(from, to - from), options, sink));
    check(disk, sink, inside, i -> false);
    sink = new RecordingSink(BYTES);
    Selection dirty = Selection.flagged(MappedDisk.DIRTY, 1).within(from, to - from);
    await(ExtentReader.start(client, dirty, options, sink));
    check(disk, sink, inside.and(i -> disk.dirty[i / MappedDisk.BLOCK_BYTES]), zero);
  }

  @Test
  void readsAllAsDataWithoutBlockStatus() throws Exception {
    RecordingSink sink = new RecordingSink(BYTES);
    try (ScriptedServer server = ScriptedServer.start(dir, disk);
        NbdClient client =
            NbdClient.open(server.uri(), NbdClientOptions.defaults().withMetaContexts(List.of()))) {
      await(ExtentReader.start(client, Selection.allocated(), SMALL, sink));
      check(disk, sink, i -> true, i -> false);
      assertFails(
          ExtentReader.start(client, Selection.flagged(MappedDisk.DIRTY, 1), SMALL, sink),
          NbdServerException.class);
    }
  }

  @Test
  void readsNothingOfAnEmptyRange() throws Exception {
    RecordingSink sink = new RecordingSink(BYTES);
    try (ScriptedServer server = ScriptedServer.start(dir, disk);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      await(ExtentReader.start(client, Selection.allocated().within(BYTES, 5), SMALL, sink));
      await(ExtentReader.start(client, Selection.everything().within(7, 0), SMALL, sink));
      check(disk, sink, i -> false, i -> false);
      assertThatThrownBy(
              () ->
                  ExtentReader.start(
                      client, Selection.allocated().within(BYTES + 1L, 5), SMALL, sink))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void asksForDataWithoutFragmentsOnly() throws Exception {
    try (ScriptedServer server = ScriptedServer.start(dir, disk);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      await(ExtentReader.start(client, Selection.allocated(), SMALL, new RecordingSink(BYTES)));
      assertThat(disk.reads)
          .isNotEmpty()
          .allSatisfy(read -> assertThat(read.flags()).isEqualTo(NbdProtocol.CMD_FLAG_DF))
          .allSatisfy(read -> assertThat(read.length()).isLessThanOrEqualTo(32 << 10));
    }
  }

  @Test
  void readsNoFurtherThanTheSinkHasGivenPlacesBack() throws Exception {
    HoldingSink sink = new HoldingSink();
    try (ScriptedServer server = ScriptedServer.start(dir, disk);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      BulkRead read = ExtentReader.start(client, Selection.everything(), SMALL, sink);
      sink.full.await();
      // There is nothing to wait for: a further request would already be at the server.
      Thread.sleep(100);
      assertThat(disk.reads).hasSize(8);
      while (!read.future().isDone()) {
        DataLease lease = sink.held.poll();
        if (lease != null) {
          lease.close();
          lease.close();
        }
        Thread.onSpinWait();
      }
      await(read);
      assertThat(disk.reads).hasSize((BYTES + (32 << 10) - 1) / (32 << 10));
    }
  }

  @Test
  void whatTheSinkThrowsEndsTheBulkReadButNotTheClient() throws Exception {
    try (ScriptedServer server = ScriptedServer.start(dir, disk);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      BulkRead read =
          ExtentReader.start(
              client,
              Selection.everything(),
              SMALL,
              new RecordingSink(BYTES) {
                @Override
                public void data(long offsetBytes, DataLease data) {
                  throw new IllegalStateException("full");
                }
              });
      assertFails(read, IllegalStateException.class);
      RecordingSink sink = new RecordingSink(BYTES);
      await(ExtentReader.start(client, Selection.everything(), SMALL, sink));
      check(disk, sink, i -> true, i -> false);
    }
  }

  @Test
  void endsOnCancelWithNothingInFlight() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    Queue<DataLease> held = new ConcurrentLinkedQueue<>();
    try (ScriptedServer server = ScriptedServer.start(dir, disk);
        NbdClient client = NbdClient.open(server.uri(), OPTIONS)) {
      BulkRead read =
          ExtentReader.start(
              client,
              Selection.everything(),
              SMALL,
              new RecordingSink(BYTES) {
                @Override
                public void data(long offsetBytes, DataLease data) {
                  held.add(data);
                  begun.countDown();
                }
              });
      begun.await();
      read.cancel();
      assertThatThrownBy(() -> await(read)).isInstanceOf(CancellationException.class);
      ByteBuffer first = held.element().buffer();
      byte[] before = new byte[first.remaining()];
      first.duplicate().get(before);
      // The lease is still the sink's own.
      RecordingSink sink = new RecordingSink(BYTES);
      await(ExtentReader.start(client, Selection.everything(), SMALL, sink));
      assertThat(first).isEqualTo(ByteBuffer.wrap(before));
      held.forEach(Lease::close);
    }
  }

  @Test
  void failsWithTheServersErrorWhenNothingIsInFlight() throws Exception {
    ScriptedServer.Script failing =
        peer -> {
          peer.handshake(BYTES, NbdProtocol.FLAG_HAS_FLAGS, List.of("base:allocation"));
          while (true) {
            var request = peer.readRequest();
            int length = (int) request.length();
            if (request.type() == 7) {
              peer.extents(request.cookie(), true, 1, length, 0);
            } else if (request.offset() == 0) {
              peer.error(request.cookie(), true, NbdErrno.EIO.code(), "no such sector");
            } else {
              peer.data(request.cookie(), true, request.offset(), length, 1);
            }
          }
        };
    try (ScriptedServer server = ScriptedServer.start(dir, failing);
        NbdClient client = NbdClient.open(server.uri(), NbdClientOptions.defaults())) {
      BulkRead read =
          ExtentReader.start(client, Selection.allocated(), SMALL, new RecordingSink(BYTES));
      assertThatThrownBy(() -> await(read))
          .hasCauseInstanceOf(NbdServerException.class)
          .hasMessageContaining("no such sector");
    }
  }

  @Test
  void failsWhenTheClientIsClosed() throws Exception {
    try (ScriptedServer server = ScriptedServer.start(dir, disk)) {
      NbdClient client = NbdClient.open(server.uri(), OPTIONS);
      HoldingSink sink = new HoldingSink();
      BulkRead read = ExtentReader.start(client, Selection.everything(), SMALL, sink);
      sink.full.await();
      client.close();
      // With all places held there was nothing in flight that could have failed.
      sink.held.element().close();
      assertFails(read, NbdDisconnectedException.class);
      assertFails(
          ExtentReader.start(client, Selection.allocated(), SMALL, new RecordingSink(BYTES)),
          NbdException.class);
    }
  }
}
