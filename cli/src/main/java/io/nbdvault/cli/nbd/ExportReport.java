package io.nbdvault.cli.nbd;

import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.ExportInfo;
import java.util.List;

/**
 * One export, and how the server was spoken to.
 *
 * @param uri names the export
 * @param fixedNewstyle whether options could be haggled; else the export had to be opened
 * @param info without metadata contexts, as none were negotiated
 * @param contexts the metadata contexts that the server has for this export, in its order
 */
public record ExportReport(
    NbdUri uri, boolean fixedNewstyle, ExportInfo info, List<String> contexts) {
  public ExportReport {
    contexts = List.copyOf(contexts);
  }

  /** The export's size. */
  public long sizeBytes() {
    return info.sizeBytes();
  }

  /** The protocol's name, as {@code nbdinfo} has it. Oldstyle servers are refused earlier. */
  public String protocol() {
    return fixedNewstyle ? "newstyle-fixed" : "newstyle";
  }

  /** Which packets were agreed on: simple, structured or extended. */
  public String packets() {
    return switch (info.headerStyle()) {
      case SIMPLE -> "simple";
      case STRUCTURED -> "structured";
      case EXTENDED -> "extended";
    };
  }
}
