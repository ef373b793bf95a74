package io.nbdvault.nbd.server.protocol;

import io.nbdvault.nbd.protocol.NbdProtocol;
import java.util.List;
import java.util.Set;

/** What a client sends before the transmission phase, decoded (proto.md, "Option types"). */
public sealed interface ClientMessage {
  /**
   * The client's answer to the greeting.
   *
   * @param flags 32 bits, as received (proto.md, "Client flags")
   */
  record Flags(int flags) implements ClientMessage {}

  /** An option. */
  sealed interface Option extends ClientMessage {
    /** Its number, {@code NbdProtocol.OPT_…} or one that is not known. */
    int option();
  }

  /**
   * An option without data: LIST, ABORT, STARTTLS, STRUCTURED_REPLY or EXTENDED_HEADERS.
   *
   * @param option one of these
   */
  record Plain(int option) implements Option {}

  /**
   * EXPORT_NAME, which has no reply but the export.
   *
   * @param exportName at most 4096 bytes
   */
  record ExportName(String exportName) implements Option {
    @Override
    public int option() {
      return NbdProtocol.OPT_EXPORT_NAME;
    }
  }

  /**
   * INFO or GO.
   *
   * @param exportName at most 4096 bytes
   * @param wanted what the client wants to know, {@code NbdProtocol.INFO_…} and others
   */
  record GoOrInfo(int option, String exportName, Set<Integer> wanted) implements Option {
    public GoOrInfo {
      wanted = Set.copyOf(wanted);
    }
  }

  /**
   * LIST_META_CONTEXT or SET_META_CONTEXT.
   *
   * @param exportName at most 4096 bytes
   * @param queries at most {@link NbdProtocol#META_CONTEXT_QUERIES_MAX}
   */
  record MetaContext(int option, String exportName, List<String> queries) implements Option {
    public MetaContext {
      queries = List.copyOf(queries);
    }
  }

  /** An option that is not known; its data was skipped. */
  record Unknown(int option) implements Option {}

  /**
   * An option that makes no sense or is too long; its data was skipped.
   *
   * @param replyType what to answer, {@code NbdProtocol.REP_ERR_…}
   * @param reason what is wrong, for people
   */
  record Malformed(int option, int replyType, String reason) implements Option {}
}
