package io.nbdvault.nbd.client;

import io.nbdvault.nbd.fuzz.FuzzInput;
import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What was negotiated and asked for before a fuzzer's stream arrives.
 *
 * @param contexts the negotiated metadata contexts by their ids
 */
record ReplyScenario(
    HeaderStyle style, int minimumBlockBytes, Map<Integer, String> contexts, List<Ask> asks) {
  /** Not a whole number of blocks: the last extent may end in the middle of one. */
  static final long EXPORT_BYTES = (1 << 17) + 300;

  /** What the first choice chooses from. */
  static final List<HeaderStyle> STYLES = List.of(HeaderStyle.values());

  private static final List<Kind> KINDS = List.of(Kind.values());
  private static final List<String> CONTEXTS =
      List.of("base:allocation", "qemu:allocation-depth", "qemu:dirty-bitmap:b0");
  private static final int READ_BYTES_MAX = 1500;

  /** What one operation asks for. */
  enum Kind {
    READ,
    READ_DF,
    READ_EVENTS,
    BLOCK_STATUS,
    BLOCK_STATUS_REQ_ONE,
    WRITE,
    FLUSH,
    TRIM;

    boolean reads() {
      return this == READ || this == READ_DF || this == READ_EVENTS;
    }
  }

  /** One operation. */
  record Ask(Kind kind, long offsetBytes, int lengthBytes) {}

  /** {@code | flags (1) | operations (1) | n × ( kind (1) | offset (2) | length (2) ) |}. */
  static ReplyScenario choose(FuzzInput input) {
    int flags = input.choice();
    HeaderStyle style = STYLES.get((flags & 3) % STYLES.size());
    int minimumBlockBytes = (flags & 4) != 0 ? 512 : 1;
    Map<Integer, String> contexts = new LinkedHashMap<>();
    for (int i = 0; style != HeaderStyle.SIMPLE && i < (flags >> 3 & 3); i++) {
      contexts.put(i + (flags >> 5 & 1), CONTEXTS.get(i));
    }
    List<Ask> asks = new ArrayList<>();
    for (int left = 1 + (input.choice() & 3); left > 0; left--) {
      asks.add(ask(input, contexts.isEmpty()));
    }
    return new ReplyScenario(style, minimumBlockBytes, contexts, asks);
  }

  private static Ask ask(FuzzInput input, boolean noContexts) {
    int choice = input.choice();
    Kind kind = KINDS.get((choice & 0x7f) % KINDS.size());
    if (noContexts && (kind == Kind.BLOCK_STATUS || kind == Kind.BLOCK_STATUS_REQ_ONE)) {
      kind = Kind.READ;
    }
    int distance = input.wideChoice();
    int length = 1 + input.wideChoice();
    if (kind.reads() || kind == Kind.WRITE) {
      length = 1 + (length - 1) % READ_BYTES_MAX;
    }
    // From the begin, or up to the end.
    long offset = (choice & 0x80) == 0 ? distance : EXPORT_BYTES - length - distance;
    return new Ask(kind, offset, length);
  }

  ExportInfo export() {
    return ExportInfo.ofWire(
        EXPORT_BYTES,
        NbdProtocol.FLAG_HAS_FLAGS | NbdProtocol.FLAG_SEND_DF,
        new BlockSizes(minimumBlockBytes, 4096, NbdProtocol.PAYLOAD_BYTES_MAX),
        style,
        List.copyOf(contexts.values()),
        Optional.empty());
  }
}
