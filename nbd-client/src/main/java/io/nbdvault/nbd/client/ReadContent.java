package io.nbdvault.nbd.client;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * Where one request's content goes, chunk by chunk as it arrives. The request has checked that each
 * chunk lies within it. Belongs to one event loop.
 */
interface ReadContent {
  /** Data is about to come, from {@code offset} on. */
  void dataBegins(long offset, int length);

  /** Some of that data: consumes exactly {@code length} bytes. */
  void data(ByteBuf in, int length);

  /** Whether content that has come may come once more. */
  boolean canComeAgain();

  /** A run of zeroes. */
  void hole(long offset, long length);

  /**
   * Where the rest of the data that has begun could be received to directly: a buffer with exactly
   * that many writable bytes, retained for the caller, to be handed to {@link #data} as it fills;
   * or null.
   *
   * @param lengthBytes how much is still to come
   */
  default @Nullable ByteBuf receiveInto(int lengthBytes) {
    return null;
  }
}
