package io.nbdvault.cli.nbd;

import io.nbdvault.cli.render.Amounts;
import io.nbdvault.cli.render.Printable;
import io.nbdvault.nbd.client.ExportInfo;
import java.util.ArrayList;
import java.util.List;

/** Exports for people, and for scripts that know {@code nbdinfo}: its lines and its names. */
public final class ExportText {
  private static final String INDENT = "\t";

  private ExportText() {}

  /** What holds for the connection rather than for an export. */
  public static String protocolLine(ExportReport report) {
    String tls = report.uri().tls().isPresent() ? "with TLS" : "without TLS";
    return "protocol: "
        + report.protocol()
        + " "
        + tls
        + ", using "
        + report.packets()
        + " packets";
  }

  /** The lines of one export. */
  public static List<String> lines(ExportReport report) {
    ExportInfo info = report.info();
    List<String> lines = new ArrayList<>();
    lines.add("export=\"" + Printable.line(report.uri().exportName()) + "\":");
    info.description()
        .filter(text -> !text.isEmpty())
        .ifPresent(text -> add(lines, "description", Printable.line(text)));
    add(lines, "export-size", info.sizeBytes() + " (" + Amounts.bytes(info.sizeBytes()) + ")");
    add(lines, "uri", Printable.line(report.uri().toString()));
    if (!report.contexts().isEmpty()) {
      lines.add(INDENT + "contexts:");
      report.contexts().forEach(name -> lines.add(INDENT + INDENT + Printable.line(name)));
    }
    for (ExportFlag flag : ExportFlag.values()) {
      add(lines, flag.nbdinfoName(), Boolean.toString(flag.of(info)));
    }
    add(lines, "block_size_minimum", Integer.toString(info.minimumBlockBytes()));
    add(lines, "block_size_preferred", Integer.toString(info.preferredBlockBytes()));
    add(lines, "block_size_maximum", Integer.toString(info.maximumBlockBytes()));
    return lines;
  }

  private static void add(List<String> lines, String name, String value) {
    lines.add(INDENT + name + ": " + value);
  }
}
