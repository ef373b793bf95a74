package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.NbdProtocol;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What may be sent to an export, and how it is cut (proto.md, "Block size constraints" and
 * "Transmission flags"). Each rule holds as long as its {@link StrictCheck} is on.
 */
final class RequestRules {
  private final ExportInfo export;
  private final Set<StrictCheck> checks;

  RequestRules(ExportInfo export, Set<StrictCheck> checks) {
    this.export = export;
    this.checks = checks;
  }

  /**
   * A range and the whole blocks it lies in.
   *
   * @throws IllegalArgumentException if it is empty or not within the export
   */
  BlockRange widened(long offsetBytes, long lengthBytes) {
    check(offsetBytes, lengthBytes);
    boolean within =
        lengthBytes > 0
            && offsetBytes >= 0
            && offsetBytes <= export.sizeBytes()
            && lengthBytes <= export.sizeBytes() - offsetBytes;
    return within && checks.contains(StrictCheck.ALIGNMENT)
        ? BlockRange.of(export, offsetBytes, lengthBytes)
        : new BlockRange(offsetBytes, lengthBytes, offsetBytes, offsetBytes + lengthBytes);
  }

  /**
   * Checks a range that cannot be widened.
   *
   * @throws IllegalArgumentException if it is empty, not within the export, or not aligned
   */
  void checkAligned(long offsetBytes, long lengthBytes) {
    if (widened(offsetBytes, lengthBytes).widenedLengthBytes() != lengthBytes) {
      throw new IllegalArgumentException(
          "range: %d bytes at %d (expected: aligned to %d)"
              .formatted(lengthBytes, offsetBytes, export.minimumBlockBytes()));
    }
  }

  private void check(long offsetBytes, long lengthBytes) {
    if (lengthBytes < 0 || (lengthBytes == 0 && checks.contains(StrictCheck.ZERO_LENGTH))) {
      throw new IllegalArgumentException("length: " + lengthBytes + " (expected: >= 1)");
    }
    boolean outside =
        offsetBytes < 0
            || offsetBytes > export.sizeBytes()
            || lengthBytes > export.sizeBytes() - offsetBytes;
    if (outside && checks.contains(StrictCheck.BOUNDS)) {
      throw new IllegalArgumentException(
          "range: %d bytes at %d (expected: within %d bytes)"
              .formatted(lengthBytes, offsetBytes, export.sizeBytes()));
    }
  }

  /** Where reads and writes are cut. */
  int payloadBytesMax() {
    return checks.contains(StrictCheck.PAYLOAD) ? export.maximumBlockBytes() : Integer.MAX_VALUE;
  }

  /** An empty read or write needs no request. */
  boolean skipsEmpty() {
    return checks.contains(StrictCheck.ZERO_LENGTH);
  }

  /** The bits on the wire; DF is dropped where the server does not know it. */
  int wireFlags(ReadFlag... flags) {
    int wireFlags = 0;
    for (ReadFlag flag : flags) {
      wireFlags |=
          switch (flag) {
            case DF ->
                export.canDf() || !checks.contains(StrictCheck.FLAGS) ? NbdProtocol.CMD_FLAG_DF : 0;
          };
    }
    return wireFlags;
  }

  /** The bits on the wire. */
  int wireFlags(WriteFlag... flags) {
    int wireFlags = 0;
    for (WriteFlag flag : flags) {
      wireFlags |=
          switch (flag) {
            case FUA -> NbdProtocol.CMD_FLAG_FUA;
            case NO_HOLE -> NbdProtocol.CMD_FLAG_NO_HOLE;
            case FAST_ZERO -> NbdProtocol.CMD_FLAG_FAST_ZERO;
          };
    }
    return wireFlags;
  }

  /**
   * Why a command must not be sent, or null. What the server did not announce fails as if the
   * server had said no.
   *
   * @throws IllegalArgumentException if a flag is never of use with the command
   */
  @Nullable NbdServerException refusal(Command command, WriteFlag... flags) {
    if (checks.contains(StrictCheck.COMMANDS)) {
      if (export.readOnly() && changesContent(command)) {
        return new NbdServerException(NbdErrno.EPERM, command + ": the export is read-only");
      }
      if (!offered(command)) {
        return notOffered(command.name());
      }
    }
    return checks.contains(StrictCheck.FLAGS) ? flagRefusal(command, flags) : null;
  }

  private @Nullable NbdServerException flagRefusal(Command command, WriteFlag... flags) {
    for (WriteFlag flag : flags) {
      if (command != Command.WRITE_ZEROES && flag != WriteFlag.FUA) {
        throw new IllegalArgumentException("flags: " + flag + " (expected: only FUA)");
      }
      boolean offered =
          switch (flag) {
            case FUA -> export.canFua();
            case NO_HOLE -> true;
            case FAST_ZERO -> export.canFastZero();
          };
      if (!offered) {
        return notOffered(command + " with " + flag);
      }
    }
    return null;
  }

  /** Whether a command changes what is read afterwards. */
  static boolean changesContent(Command command) {
    return switch (command) {
      case WRITE, WRITE_ZEROES, TRIM -> true;
      case READ, DISC, FLUSH, CACHE, BLOCK_STATUS -> false;
    };
  }

  private boolean offered(Command command) {
    return switch (command) {
      case READ, WRITE, DISC -> true;
      case FLUSH -> export.canFlush();
      case TRIM -> export.canTrim();
      case CACHE -> export.canCache();
      case WRITE_ZEROES -> export.canWriteZeroes();
      case BLOCK_STATUS -> !export.metaContexts().isEmpty();
    };
  }

  private static NbdServerException notOffered(String what) {
    return new NbdServerException(NbdErrno.ENOTSUP, what + ": the server does not offer it");
  }
}
