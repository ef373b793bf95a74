package io.nbdvault.cli.nbd;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.cli.render.JsonLines;
import io.nbdvault.nbd.client.ExportInfo;
import java.math.BigInteger;

/** Exports and maps as JSON; {@code docs/JSON.md} describes each object. */
public final class NbdJson {
  private NbdJson() {}

  /** One export. */
  public static ObjectNode of(ExportReport report) {
    ExportInfo info = report.info();
    ObjectNode json =
        JsonLines.event("export")
            .put("name", report.uri().exportName())
            .put("uri", report.uri().toString())
            .put("protocol", report.protocol())
            .put("tls", report.uri().tls().isPresent())
            .put("packets", report.packets());
    info.description().ifPresent(text -> json.put("description", text));
    json.put("sizeBytes", info.sizeBytes());
    ArrayNode contexts = json.putArray("contexts");
    report.contexts().forEach(contexts::add);
    for (ExportFlag flag : ExportFlag.values()) {
      json.put(flag.jsonName(), flag.of(info));
    }
    return json.put("minimumBlockBytes", info.minimumBlockBytes())
        .put("preferredBlockBytes", info.preferredBlockBytes())
        .put("maximumBlockBytes", info.maximumBlockBytes());
  }

  /** The size of an export, alone. */
  public static ObjectNode size(long sizeBytes) {
    return JsonLines.event("export-size").put("sizeBytes", sizeBytes);
  }

  /** One run of a map. */
  public static ObjectNode of(MapRow row) {
    ObjectNode json =
        JsonLines.event("extent")
            .put("offsetBytes", row.offsetBytes())
            .put("lengthBytes", row.lengthBytes())
            .put("flags", unsigned(row.flags()));
    ExtentDescription.of(row.context(), row.flags())
        .ifPresent(text -> json.put("description", text));
    return json;
  }

  /** What a map holds of one kind. */
  public static ObjectNode of(MapTotals.Total total) {
    ObjectNode json =
        JsonLines.event("extent-total")
            .put("lengthBytes", total.lengthBytes())
            .put("percent", total.percent())
            .put("flags", unsigned(total.flags()));
    ExtentDescription.of(total.context(), total.flags())
        .ifPresent(text -> json.put("description", text));
    return json;
  }

  /** Flags are 64 bits in extended headers, and JSON's numbers have no bound. */
  private static BigInteger unsigned(long flags) {
    return new BigInteger(Long.toUnsignedString(flags));
  }
}
