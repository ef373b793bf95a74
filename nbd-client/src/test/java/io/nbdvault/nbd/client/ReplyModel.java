package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.protocol.Command;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one request's reply brought, written down naively: the real request is right if it comes to
 * the same conclusion.
 */
final class ReplyModel {
  private final Request request;
  private final byte[] content;
  private final BitSet seen = new BitSet();
  private final Set<Integer> contexts = new HashSet<>();
  private boolean overlapping;
  private boolean failed;
  private int position;
  private long statusBytes;

  ReplyModel(Request request) {
    this.request = request;
    this.content = new byte[request.command() == Command.READ ? (int) request.lengthBytes() : 0];
  }

  void requestOffset(long offset) {
    if (offset != request.offsetBytes()) {
      throw new AssertionError(request + ": took a reply to a request at " + offset);
    }
  }

  void dataBegins(long offset, long length) {
    cover(offset, length);
    position = (int) (offset - request.offsetBytes());
  }

  /** A simple reply's payload is all of what was asked for. */
  void simpleData(int length) {
    dataBegins(request.offsetBytes(), length);
  }

  void data(ByteBuf in, int length) {
    in.getBytes(in.readerIndex(), content, position, length);
    position += length;
  }

  void hole(long offset, long length) {
    int from = cover(offset, length);
    Arrays.fill(content, from, from + (int) length, (byte) 0);
  }

  void blockStatus(int contextId) {
    if (!contexts.add(contextId)) {
      throw new AssertionError(request + ": took context " + contextId + " twice");
    }
    statusBytes = 0;
  }

  void extent(long length) {
    if (length < 1 || statusBytes >= request.lengthBytes()) {
      throw new AssertionError(request + ": took an extent of " + length + " at " + statusBytes);
    }
    statusBytes += Math.min(length, request.lengthBytes());
  }

  void failed() {
    failed = true;
  }

  private int cover(long offset, long length) {
    long from = offset - request.offsetBytes();
    if (from < 0 || length < 1 || length > content.length || from > content.length - length) {
      throw new AssertionError(request + ": took " + length + " bytes at " + offset);
    }
    BitSet range = new BitSet();
    range.set((int) from, (int) (from + length));
    overlapping |= range.intersects(seen);
    seen.or(range);
    return (int) from;
  }

  /** What came; valid once the reply was judged good. */
  byte[] content() {
    return content;
  }

  /** Compares with what the request made of it. */
  void check(@Nullable NbdException failure) {
    boolean complete = !overlapping && seen.cardinality() == content.length;
    boolean good = !failed && complete;
    if (good != (failure == null)) {
      throw new AssertionError(
          request
              + ": "
              + (failed ? "error" : complete ? "complete" : "incomplete")
              + ", but the outcome is "
              + failure);
    }
  }
}
