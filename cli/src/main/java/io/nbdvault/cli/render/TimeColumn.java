package io.nbdvault.cli.render;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A column of times, to the second. The offset from UTC stands in the header where it is the same
 * for all of them, and beside each where the zone has had two, in summer and winter.
 */
final class TimeColumn {
  private final String name;
  private final ZoneId zone;
  private final Set<ZoneOffset> offsets;

  TimeColumn(String name, List<Instant> times, ZoneId zone) {
    this.name = name;
    this.zone = zone;
    this.offsets = times.stream().map(zone.getRules()::getOffset).collect(Collectors.toSet());
  }

  /** Such as {@code TIME +0100}. */
  String header() {
    return offsets.size() == 1 ? name + " " + Times.offset(offsets.iterator().next()) : name;
  }

  String cell(Instant time) {
    return offsets.size() == 1 ? Times.local(time, zone) : Times.second(time, zone);
  }
}
