package io.nbdvault.nbd.client;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.NbdProtocol;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** A real operation, with marked bytes around its buffer that nobody may write to. */
final class AskedOperation {
  private static final int MARGIN_BYTES = 64;
  private static final byte UNTOUCHED = 0x5a;

  private final Operation<?> operation;
  private final ReplyScenario.Ask ask;
  private final ByteBuffer memory;
  private final byte[] expected;

  private AskedOperation(Operation<?> operation, ReplyScenario.Ask ask, ByteBuffer memory) {
    this.operation = operation;
    this.ask = ask;
    this.memory = memory;
    this.expected = new byte[memory.capacity() - 2 * MARGIN_BYTES];
  }

  /**
   * Makes one.
   *
   * @param direct whether its buffer can be received to directly
   */
  static AskedOperation of(
      ReplyScenario.Ask ask, ExportInfo export, int requestBytesMax, boolean direct) {
    int bytes =
        switch (ask.kind()) {
          case READ, READ_DF, READ_EVENTS, WRITE -> ask.lengthBytes() + 2 * MARGIN_BYTES;
          case BLOCK_STATUS, BLOCK_STATUS_REQ_ONE, FLUSH, TRIM -> 2 * MARGIN_BYTES;
        };
    ByteBuffer memory = direct ? ByteBuffer.allocateDirect(bytes) : ByteBuffer.allocate(bytes);
    memory.put(0, untouched(bytes));
    ByteBuffer buffer = memory.duplicate().position(MARGIN_BYTES).limit(bytes - MARGIN_BYTES);
    return new AskedOperation(operation(ask, export, requestBytesMax, buffer), ask, memory);
  }

  private static Operation<?> operation(
      ReplyScenario.Ask ask, ExportInfo export, int requestBytesMax, ByteBuffer buffer) {
    BlockRange range = BlockRange.of(export, ask.offsetBytes(), ask.lengthBytes());
    return switch (ask.kind()) {
      case READ -> new ReadOperation(range, requestBytesMax, 0, () -> buffer);
      case READ_DF ->
          new ReadOperation(range, requestBytesMax, NbdProtocol.CMD_FLAG_DF, () -> buffer);
      case READ_EVENTS ->
          new ReadEventsOperation(range, requestBytesMax, 0, new Filler(ask, buffer));
      case BLOCK_STATUS -> new BlockStatusOperation(range, 0, export);
      case BLOCK_STATUS_REQ_ONE ->
          new BlockStatusOperation(range, NbdProtocol.CMD_FLAG_REQ_ONE, export);
      case WRITE -> new WriteOperation(ask.offsetBytes(), requestBytesMax, 0, buffer);
      case FLUSH -> new RangeOperation(Command.FLUSH, 0, 0, 0);
      case TRIM -> new RangeOperation(Command.TRIM, 0, ask.offsetBytes(), ask.lengthBytes());
    };
  }

  /** The next request that it is cut into, or null. */
  @Nullable Request take() {
    return operation.take();
  }

  boolean owns(Request request) {
    return operation.equals(request.operation());
  }

  /** Says what a request of it brought; requests are whole blocks, and may be more than asked. */
  void expect(long offset, byte[] content) {
    long from = Math.max(offset, ask.offsetBytes());
    long to = Math.min(offset + content.length, ask.offsetBytes() + expected.length);
    if (from < to) {
      int at = (int) (from - ask.offsetBytes());
      System.arraycopy(content, (int) (from - offset), expected, at, (int) (to - from));
    }
  }

  /**
   * What became of it.
   *
   * @throws AssertionError if it is not over, or what it yields is not what came
   */
  String outcome() {
    checkMargins();
    if (!operation.future().isDone()) {
      throw new AssertionError(ask + " is not over");
    }
    Object value;
    try {
      value = operation.future().join();
    } catch (CompletionException e) {
      if (!(e.getCause() instanceof NbdException)) {
        throw new AssertionError(ask + " failed for a reason of our own", e);
      }
      return ask + " failed: " + e.getCause();
    }
    if (ask.kind().reads()) {
      checkContent();
    }
    if (value instanceof BlockStatus status) {
      checkStatus(status);
    }
    return ask + " yielded " + value;
  }

  private void checkMargins() {
    int inner = memory.capacity() - 2 * MARGIN_BYTES;
    checkUntouched(0, MARGIN_BYTES);
    checkUntouched(MARGIN_BYTES + inner, MARGIN_BYTES);
    if (!ask.kind().reads()) {
      checkUntouched(MARGIN_BYTES, inner);
    }
  }

  private void checkUntouched(int from, int length) {
    byte[] actual = new byte[length];
    memory.get(from, actual);
    if (!Arrays.equals(actual, untouched(length))) {
      throw new AssertionError(ask + " wrote outside its buffer");
    }
  }

  /** Bulk operations, here and below: what the fuzzer instruments is slow byte by byte. */
  private static byte[] untouched(int length) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, UNTOUCHED);
    return bytes;
  }

  private void checkContent() {
    byte[] actual = new byte[expected.length];
    memory.get(MARGIN_BYTES, actual);
    if (!Arrays.equals(expected, actual)) {
      throw new AssertionError(ask + " yielded other bytes than came");
    }
  }

  private void checkStatus(BlockStatus status) {
    for (Map.Entry<String, List<Extent>> context : status.contexts().entrySet()) {
      long total = context.getValue().stream().mapToLong(Extent::lengthBytes).sum();
      if (total < 1 || total > ask.lengthBytes()) {
        throw new AssertionError(ask + " yielded " + total + " bytes of " + context.getKey());
      }
    }
  }

  /** Puts events together to what they are about. */
  private record Filler(ReplyScenario.Ask ask, ByteBuffer buffer) implements ReadListener {
    @Override
    public void data(long offsetBytes, ByteBuffer data) {
      buffer.put(at(offsetBytes), data, data.position(), data.remaining());
    }

    @Override
    public void hole(long offsetBytes, long lengthBytes) {
      buffer.put(at(offsetBytes), new byte[(int) lengthBytes]);
    }

    private int at(long offsetBytes) {
      return buffer.position() + (int) (offsetBytes - ask.offsetBytes());
    }
  }
}
