package io.nbdvault.nbd.client;

import io.nbdvault.nbd.protocol.Command;
import org.jspecify.annotations.Nullable;

/** A command without payload on a range, or on everything. */
final class RangeOperation extends Operation<Void> {
  private final Command command;
  private final int flags;

  RangeOperation(Command command, int flags, long offsetBytes, long lengthBytes) {
    super(offsetBytes, lengthBytes, ClientLimits.RANGE_REQUEST_BYTES_MAX);
    this.command = command;
    this.flags = flags;
  }

  @Override
  Request request(long offsetBytes, long lengthBytes) {
    return new Request(this, command, flags, offsetBytes, lengthBytes);
  }

  @Override
  boolean changesContent() {
    return RequestRules.changesContent(command);
  }

  @Override
  @Nullable Void result() {
    return null;
  }
}
