package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.cli.render.Table.Column;
import java.time.ZoneId;
import java.util.List;

/** Key slots as people read them. */
public final class KeySlotTable {
  private static final int LABEL_WIDTH_MIN = 10;

  private KeySlotTable() {}

  /** A header and a line for each slot. */
  public static List<String> lines(List<KeySlot> slots, ZoneId zone) {
    TimeColumn created =
        new TimeColumn("CREATED", slots.stream().map(KeySlot::created).toList(), zone);
    Table table =
        new Table(
            Column.number("SLOT"),
            Column.text("KIND"),
            Column.text(created.header()),
            Column.flexible("LABEL", LABEL_WIDTH_MIN));
    for (KeySlot slot : slots) {
      table.row(
          Integer.toString(slot.number()),
          slot.kind().toString(),
          created.cell(slot.created()),
          slot.label());
    }
    return table.lines();
  }
}
