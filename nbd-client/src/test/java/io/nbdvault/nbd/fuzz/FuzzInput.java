package io.nbdvault.nbd.fuzz;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A fuzzer's bytes: a few that choose what to do, then the stream that a server sends. Choices past
 * the end are 0, so that every input means something.
 */
public final class FuzzInput {
  private static final int PIECE_BYTES_MAX = 40;

  private final byte[] bytes;
  private int next;

  public FuzzInput(byte[] bytes) {
    this.bytes = bytes.clone();
  }

  /** The next choice, 0..255. */
  public int choice() {
    return next < bytes.length ? bytes[next++] & 0xff : 0;
  }

  /** The next choice, 0..65535. */
  public int wideChoice() {
    return choice() << 8 | choice();
  }

  /** How many bytes were not chosen with. */
  public int streamBytes() {
    return bytes.length - next;
  }

  /** All that was not chosen with, in one piece. */
  public List<ByteBuf> whole() {
    return List.of(Unpooled.wrappedBuffer(bytes, next, streamBytes()));
  }

  /** The same, a byte at a time. */
  public List<ByteBuf> singleBytes() {
    List<ByteBuf> pieces = new ArrayList<>();
    for (int i = next; i < bytes.length; i++) {
      pieces.add(Unpooled.wrappedBuffer(bytes, i, 1));
    }
    return pieces;
  }

  /** The same, in pieces whose lengths follow from a seed. */
  public List<ByteBuf> pieces(int seed) {
    Random random = new Random(seed);
    List<ByteBuf> pieces = new ArrayList<>();
    for (int i = next; i < bytes.length; ) {
      int length = Math.min(1 + random.nextInt(PIECE_BYTES_MAX), bytes.length - i);
      pieces.add(Unpooled.wrappedBuffer(bytes, i, length));
      i += length;
    }
    return pieces;
  }
}
