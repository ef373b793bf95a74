package io.nbdvault.nbd;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The query of a URI, NAME=VALUE separated by '&amp;' or ';'. The first of a name counts. */
record UriQuery(Map<String, String> rawValues) {
  UriQuery {
    rawValues = Map.copyOf(rawValues);
  }

  static UriQuery of(@Nullable String rawQuery) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String parameter : rawQuery == null ? new String[0] : rawQuery.split("[&;]", -1)) {
      int equals = parameter.indexOf('=');
      String name = equals < 0 ? parameter : parameter.substring(0, equals);
      values.putIfAbsent(name, equals < 0 ? "" : parameter.substring(equals + 1));
    }
    return new UriQuery(values);
  }

  /** The value with its escapes undone; only those asked for are looked at. */
  Optional<String> get(String name) {
    return Optional.ofNullable(rawValues.get(name)).map(PercentEncoding::decode);
  }
}
