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
  private final byte[] memory;
  private final byte[] expected;

  private AskedOperation(Operation<?> operation, ReplyScenario.Ask ask, byte[] memory) {
    this.operation = operation;
    this.ask = ask;
    this.memory = memory;
    this.expected = new byte[Math.max(memory.length - 2 * MARGIN_BYTES, 0)];
  }

  static AskedOperation of(ReplyScenario.Ask ask, ExportInfo export, int requestBytesMax) {
    boolean hasBuffer =
        switch (ask.kind()) {
          case READ, READ_DF, WRITE -> true;
          case BLOCK_STATUS, BLOCK_STATUS_REQ_ONE, FLUSH, TRIM -> false;
        };
    byte[] memory = new byte[hasBuffer ? ask.lengthBytes() + 2 * MARGIN_BYTES : 0];
    Arrays.fill(memory, UNTOUCHED);
    ByteBuffer buffer =
        hasBuffer
            ? ByteBuffer.wrap(memory, MARGIN_BYTES, ask.lengthBytes())
            : ByteBuffer.wrap(memory);
    return new AskedOperation(operation(ask, export, requestBytesMax, buffer), ask, memory);
  }

  private static Operation<?> operation(
      ReplyScenario.Ask ask, ExportInfo export, int requestBytesMax, ByteBuffer buffer) {
    BlockRange range = BlockRange.of(export, ask.offsetBytes(), ask.lengthBytes());
    return switch (ask.kind()) {
      case READ -> new ReadOperation(range, requestBytesMax, 0, buffer);
      case READ_DF -> new ReadOperation(range, requestBytesMax, NbdProtocol.CMD_FLAG_DF, buffer);
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
    for (int i = 0; i < content.length; i++) {
      long at = offset + i - ask.offsetBytes();
      if (at >= 0 && at < expected.length) {
        expected[(int) at] = content[i];
      }
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
    if (ask.kind() == ReplyScenario.Kind.READ || ask.kind() == ReplyScenario.Kind.READ_DF) {
      checkContent();
    }
    if (value instanceof BlockStatus status) {
      checkStatus(status);
    }
    return ask + " yielded " + value;
  }

  private void checkMargins() {
    for (int i = 0; i < memory.length; i++) {
      boolean margin = i < MARGIN_BYTES || i >= memory.length - MARGIN_BYTES;
      boolean mine = !margin && ask.kind() != ReplyScenario.Kind.WRITE;
      if (!mine && memory[i] != UNTOUCHED) {
        throw new AssertionError(ask + " wrote outside its buffer, at " + (i - MARGIN_BYTES));
      }
    }
  }

  private void checkContent() {
    byte[] actual = Arrays.copyOfRange(memory, MARGIN_BYTES, MARGIN_BYTES + ask.lengthBytes());
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
}
