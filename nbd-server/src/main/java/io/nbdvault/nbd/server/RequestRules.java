package io.nbdvault.nbd.server;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.server.protocol.RequestHeader;
import org.jspecify.annotations.Nullable;

/** Which requests of a client reach its export, and how much of the server each takes. */
final class RequestRules {
  private static final int MAXIMUM_ALIGNMENT = NbdProtocol.MINIMUM_BLOCK_BYTES_MAX;
  private static final Command[] COMMANDS = Command.values();

  private final ExportInfo info;
  private final HeaderStyle style;
  private final boolean hasContexts;
  private final BlockSizes sizes;

  RequestRules(ExportInfo info, HeaderStyle style, boolean hasContexts, ServerLimits limits) {
    this.info = info;
    this.style = style;
    this.hasContexts = hasContexts;
    this.sizes = blockSizes(info, limits);
  }

  /**
   * Why a request is answered with an error.
   *
   * @param offsetBytes where
   */
  record Refusal(NbdErrno errno, long offsetBytes, String message) {}

  /** The export's block sizes, its maximum lowered to what the server's limits let through. */
  static BlockSizes blockSizes(ExportInfo info, ServerLimits limits) {
    BlockSizes sizes = info.blockSizes();
    int room = limits.requestBytesMax() - FixedLimits.REQUEST_BYTES;
    int maximum = Math.min(room - room % MAXIMUM_ALIGNMENT, NbdProtocol.PAYLOAD_BYTES_MAX);
    return new BlockSizes(
        sizes.minimumBytes(), sizes.preferredBytes(), Math.min(sizes.maximumBytes(), maximum));
  }

  /** The command of a request, or null if there is none of that number. */
  static @Nullable Command command(RequestHeader request) {
    for (Command command : COMMANDS) {
      if (command.code() == request.type()) {
        return command;
      }
    }
    return null;
  }

  /** What a request that is not refused counts in the limits of bytes in flight. */
  static int costBytes(Command command, RequestHeader request) {
    return switch (command) {
      case READ, WRITE -> FixedLimits.REQUEST_BYTES + (int) request.lengthBytes();
      case BLOCK_STATUS -> FixedLimits.BLOCK_STATUS_BYTES;
      case DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES -> FixedLimits.REQUEST_BYTES;
    };
  }

  /** Judges a request; null if the export may have it. */
  @Nullable Refusal refusal(@Nullable Command command, RequestHeader request) {
    if (command == null) {
      return invalid(request, "unknown command " + request.type());
    }
    int unknown = request.flags() & ~flags(command);
    if (unknown != 0) {
      return invalid(request, "%s: flags 0x%x are not valid".formatted(command, unknown));
    }
    return switch (command) {
      case READ, WRITE, CACHE, TRIM, WRITE_ZEROES -> rangeRefusal(command, request);
      case BLOCK_STATUS ->
          hasContexts
              ? rangeRefusal(command, request)
              : invalid(request, "BLOCK_STATUS: no metadata context was chosen");
      case FLUSH -> info.isReadOnly() ? invalid(request, "FLUSH: the export is read-only") : null;
      case DISC -> null;
    };
  }

  private int flags(Command command) {
    int fua = info.isReadOnly() ? 0 : NbdProtocol.CMD_FLAG_FUA;
    return switch (command) {
      case READ -> fua | (style == HeaderStyle.SIMPLE ? 0 : NbdProtocol.CMD_FLAG_DF);
      case WRITE ->
          NbdProtocol.CMD_FLAG_FUA
              | (style == HeaderStyle.EXTENDED ? NbdProtocol.CMD_FLAG_PAYLOAD_LEN : 0);
      case TRIM -> NbdProtocol.CMD_FLAG_FUA;
      case WRITE_ZEROES -> NbdProtocol.CMD_FLAG_FUA | NbdProtocol.CMD_FLAG_NO_HOLE;
      case BLOCK_STATUS -> fua | NbdProtocol.CMD_FLAG_REQ_ONE;
      case FLUSH, CACHE -> fua;
      case DISC -> 0xffff;
    };
  }

  private @Nullable Refusal rangeRefusal(Command command, RequestHeader request) {
    long offset = request.offsetBytes();
    long length = request.lengthBytes();
    boolean writes =
        command == Command.WRITE || command == Command.WRITE_ZEROES || command == Command.TRIM;
    if (writes && info.isReadOnly()) {
      return new Refusal(NbdErrno.EPERM, offset, command + ": the export is read-only");
    }
    if (length == 0) {
      return invalid(request, command + ": length: 0 (expected: >= 1)");
    }
    boolean hasContent = command == Command.READ || command == Command.WRITE;
    if (hasContent && Long.compareUnsigned(length, sizes.maximumBytes()) > 0) {
      // What DF makes too long has an error of its own (proto.md, "Command flags").
      NbdErrno errno = request.has(NbdProtocol.CMD_FLAG_DF) ? NbdErrno.EOVERFLOW : NbdErrno.EINVAL;
      return new Refusal(
          errno,
          offset,
          "%s: length: %s (expected: <= %d)"
              .formatted(command, Long.toUnsignedString(length), sizes.maximumBytes()));
    }
    // By subtraction: offset and length are the client's, and their sum may overflow.
    if (Long.compareUnsigned(offset, info.sizeBytes()) > 0
        || Long.compareUnsigned(length, info.sizeBytes() - offset) > 0) {
      NbdErrno errno =
          command == Command.WRITE || command == Command.WRITE_ZEROES
              ? NbdErrno.ENOSPC
              : NbdErrno.EINVAL;
      return new Refusal(errno, offset, command + ": past the end of the export");
    }
    if (((offset | length) & (sizes.minimumBytes() - 1)) != 0) {
      return invalid(request, command + ": not whole blocks of " + sizes.minimumBytes() + " bytes");
    }
    return null;
  }

  private static Refusal invalid(RequestHeader request, String message) {
    return new Refusal(NbdErrno.EINVAL, request.offsetBytes(), message);
  }
}
