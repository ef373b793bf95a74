package io.nbdvault.nbd.bulk;

import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.testkit.ScriptedPeer;
import io.nbdvault.nbd.testkit.ScriptedServer;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A disk of 4 KiB blocks with random content and two maps, served by a script that answers as
 * awkwardly as the protocol allows: short block status, contexts that reach differently far, chunks
 * of any size and in any order.
 */
final class MappedDisk implements ScriptedServer.Script {
  static final int BLOCK_BYTES = 4096;
  static final String DIRTY = "qemu:dirty-bitmap:b0";
  private static final int FLAGS =
      NbdProtocol.FLAG_HAS_FLAGS
          | NbdProtocol.FLAG_READ_ONLY
          | NbdProtocol.FLAG_SEND_DF
          | NbdProtocol.FLAG_CAN_MULTI_CONN;

  final byte[] content;
  final boolean[] zero;
  final boolean[] dirty;
  final Queue<ScriptedPeer.Request> reads = new ConcurrentLinkedQueue<>();
  private final long seed;

  MappedDisk(long seed, int blocks) {
    this.seed = seed;
    Random random = new Random(seed);
    content = new byte[blocks * BLOCK_BYTES];
    random.nextBytes(content);
    zero = runs(random, blocks);
    dirty = runs(random, blocks);
    for (int i = 0; i < content.length; i++) {
      if (zero[i / BLOCK_BYTES]) {
        content[i] = 0;
      }
    }
  }

  private static boolean[] runs(Random random, int blocks) {
    boolean[] map = new boolean[blocks];
    for (int i = 0; i < blocks; ) {
      boolean value = random.nextBoolean();
      for (int left = 1 + random.nextInt(20); left > 0 && i < blocks; left--) {
        map[i++] = value;
      }
    }
    return map;
  }

  @Override
  public void serve(ScriptedPeer peer) throws IOException {
    Random random = new Random(seed + 1);
    peer.handshake(content.length, FLAGS, List.of("base:allocation", DIRTY));
    while (true) {
      ScriptedPeer.Request request = peer.readRequest();
      switch (request.type()) {
        case 0 -> {
          reads.add(request);
          read(peer, request, random);
        }
        case 7 -> {
          extents(peer, request, 1, false, zero, 2, random);
          extents(peer, request, 2, true, dirty, 1, random);
        }
        default -> {
          return;
        }
      }
    }
  }

  private void read(ScriptedPeer peer, ScriptedPeer.Request request, Random random)
      throws IOException {
    boolean whole = (request.flags() & NbdProtocol.CMD_FLAG_DF) != 0;
    int length = (int) request.length();
    int split = whole || length < 2 ? 0 : random.nextInt(length);
    if (split > 0) {
      data(peer, request, split, length - split, false);
    }
    data(peer, request, 0, split > 0 ? split : length, true);
  }

  private void data(
      ScriptedPeer peer, ScriptedPeer.Request request, int from, int length, boolean done)
      throws IOException {
    long offset = request.offset() + from;
    peer.chunk(
        request.cookie(),
        done,
        NbdProtocol.REPLY_TYPE_OFFSET_DATA,
        o -> {
          o.writeLong(offset);
          o.write(content, (int) offset, length);
        });
  }

  private static void extents(
      ScriptedPeer peer,
      ScriptedPeer.Request request,
      int contextId,
      boolean done,
      boolean[] map,
      int flag,
      Random random)
      throws IOException {
    int first = (int) (request.offset() / BLOCK_BYTES);
    int asked =
        (int) ((request.offset() % BLOCK_BYTES + request.length() + BLOCK_BYTES - 1) / BLOCK_BYTES);
    int blocks = 1 + random.nextInt(asked);
    int[] pairs = new int[2 * blocks];
    for (int i = 0; i < blocks; i++) {
      // A request may begin within a block.
      pairs[2 * i] = i > 0 ? BLOCK_BYTES : BLOCK_BYTES - (int) (request.offset() % BLOCK_BYTES);
      pairs[2 * i + 1] = map[first + i] ? flag : 0;
    }
    peer.extents(request.cookie(), done, contextId, pairs);
  }
}
