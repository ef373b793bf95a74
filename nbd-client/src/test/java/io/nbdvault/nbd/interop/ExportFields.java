package io.nbdvault.nbd.interop;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.nbd.client.ExportInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What nbdinfo prints of an export, against an {@link ExportInfo}, field by field. */
final class ExportFields {
  private static final int PAYLOAD_BYTES_MAX = 32 << 20;

  private ExportFields() {}

  static void assertSame(JsonNode export, ExportInfo info) {
    Map<String, Object> expected = new LinkedHashMap<>();
    Map<String, Object> actual = new LinkedHashMap<>();
    values(info)
        .forEach(
            (name, value) -> {
              JsonNode field = export.get(name);
              if (field != null) {
                expected.put(name, value(name, field));
                actual.put(name, value);
              }
            });
    // All but the block sizes and the description, which not every server has.
    assertThat(expected).hasSizeGreaterThanOrEqualTo(11);
    assertThat(actual).isEqualTo(expected);
    assertThat(info.description().isPresent()).isEqualTo(export.has("description"));
    if (!export.has("block_size_minimum")) {
      assertThat(info.minimumBlockBytes()).isEqualTo(1);
      assertThat(info.maximumBlockBytes()).isEqualTo(PAYLOAD_BYTES_MAX);
    }
  }

  private static Map<String, Object> values(ExportInfo info) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("export-size", info.sizeBytes());
    values.put("is_rotational", info.rotational());
    values.put("is_read_only", info.readOnly());
    values.put("can_cache", info.canCache());
    values.put("can_df", info.canDf());
    values.put("can_fast_zero", info.canFastZero());
    values.put("can_flush", info.canFlush());
    values.put("can_fua", info.canFua());
    values.put("can_multi_conn", info.canMultiConn());
    values.put("can_trim", info.canTrim());
    values.put("can_zero", info.canWriteZeroes());
    values.put("block_size_minimum", (long) info.minimumBlockBytes());
    values.put("block_size_preferred", (long) info.preferredBlockBytes());
    values.put("block_size_maximum", (long) info.maximumBlockBytes());
    values.put("description", info.description().orElse(""));
    return values;
  }

  private static Object value(String name, JsonNode field) {
    if (name.equals("block_size_maximum")) {
      // What the server takes is not what we send at most.
      return Math.min(field.asLong(), PAYLOAD_BYTES_MAX);
    }
    if (field.isBoolean()) {
      return field.asBoolean();
    }
    return field.isNumber() ? (Object) field.asLong() : field.asText();
  }

  static void assertSameContexts(JsonNode export, List<String> contexts) {
    List<String> expected = new ArrayList<>();
    export.path("contexts").forEach(context -> expected.add(context.asText()));
    assertThat(contexts).containsExactlyInAnyOrderElementsOf(expected);
  }
}
