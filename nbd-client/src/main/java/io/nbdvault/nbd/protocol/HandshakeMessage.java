package io.nbdvault.nbd.protocol;

import io.nbdvault.nbd.NbdErrno;

/** What a server sends before the transmission phase, decoded (proto.md, "Option reply types"). */
public sealed interface HandshakeMessage {
  /** Whether nothing more comes in answer to the same question. */
  default boolean endsExchange() {
    return this instanceof Greeting
        || this instanceof ExportNameReply
        || this instanceof Ack
        || this instanceof Refusal;
  }

  /**
   * The server's first words.
   *
   * @param flags handshake flags, 16 bits (proto.md, "Handshake flags")
   */
  record Greeting(int flags) implements HandshakeMessage {}

  /**
   * The answer to EXPORT_NAME, which ends the handshake.
   *
   * @param sizeBytes at least 0
   * @param flags transmission flags, 16 bits
   */
  record ExportNameReply(long sizeBytes, int flags) implements HandshakeMessage {}

  /** An answer to any other option. */
  sealed interface OptionReply extends HandshakeMessage {
    /** The option it answers, {@code NbdProtocol.OPT_…}. */
    int option();
  }

  /** The option is dealt with; the last of its replies. */
  record Ack(int option) implements OptionReply {}

  /**
   * One export's name and a free text about it, in answer to LIST.
   *
   * @param exportName at most 4096 bytes
   * @param details for people, possibly empty
   */
  record Server(int option, String exportName, String details) implements OptionReply {}

  /**
   * The export's size and transmission flags, in answer to INFO or GO.
   *
   * @param sizeBytes at least 0
   * @param flags transmission flags, 16 bits
   */
  record ExportInformation(int option, long sizeBytes, int flags) implements OptionReply {}

  /** The export's block sizes, in answer to INFO or GO. */
  record BlockSizeInformation(int option, BlockSizes sizes) implements OptionReply {}

  /** A text about the export for people, in answer to INFO or GO. */
  record Description(int option, String text) implements OptionReply {}

  /** Some other information in answer to INFO or GO, which is ignored. */
  record OtherInformation(int option, int type) implements OptionReply {}

  /**
   * One metadata context, in answer to LIST_META_CONTEXT or SET_META_CONTEXT.
   *
   * @param id what BLOCK_STATUS chunks call it; of no use in answer to LIST_META_CONTEXT
   * @param name at most 4096 bytes
   */
  record MetaContext(int option, int id, String name) implements OptionReply {}

  /**
   * The server said no.
   *
   * @param type one of {@code NbdProtocol.REP_ERR_…}, or an error the protocol did not know when
   *     this was written
   * @param message the server's words, possibly empty, control characters escaped
   */
  record Refusal(int option, int type, String message) implements OptionReply {
    /** The error number that comes closest. */
    public NbdErrno errno() {
      return switch (type) {
        case NbdProtocol.REP_ERR_UNSUP, NbdProtocol.REP_ERR_PLATFORM -> NbdErrno.ENOTSUP;
        case NbdProtocol.REP_ERR_POLICY, NbdProtocol.REP_ERR_TLS_REQD -> NbdErrno.EPERM;
        case NbdProtocol.REP_ERR_SHUTDOWN -> NbdErrno.ESHUTDOWN;
        case NbdProtocol.REP_ERR_TOO_BIG -> NbdErrno.EOVERFLOW;
        default -> NbdErrno.EINVAL;
      };
    }

    /** What the server means, in words. */
    public String reason() {
      String words =
          switch (type) {
            case NbdProtocol.REP_ERR_UNSUP -> "the server does not support it";
            case NbdProtocol.REP_ERR_POLICY -> "the server's policy forbids it";
            case NbdProtocol.REP_ERR_INVALID -> "the server calls it invalid";
            case NbdProtocol.REP_ERR_PLATFORM -> "the server's platform does not support it";
            case NbdProtocol.REP_ERR_TLS_REQD ->
                "the server requires TLS (an nbds:// or nbds+unix:// URI)";
            case NbdProtocol.REP_ERR_UNKNOWN -> "the server has no such export";
            case NbdProtocol.REP_ERR_SHUTDOWN -> "the server is shutting down";
            case NbdProtocol.REP_ERR_BLOCK_SIZE_REQD -> "the server insists on block sizes";
            case NbdProtocol.REP_ERR_TOO_BIG -> "the server calls it too big";
            case NbdProtocol.REP_ERR_EXT_HEADER_REQD -> "the server insists on extended headers";
            default -> "the server answered error 0x" + Integer.toHexString(type);
          };
      return message.isEmpty() ? words : words + " (" + message + ")";
    }
  }
}
