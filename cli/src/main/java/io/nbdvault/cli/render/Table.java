package io.nbdvault.cli.render;

import java.util.ArrayList;
import java.util.List;

/** A table of text. Columns are as wide as they need to be; those that may give way do. */
final class Table {
  /** A table fits a terminal of this many columns, whether there is one or not. */
  static final int WIDTH_MAX = 80;

  private final List<Column> columns;
  private final List<List<String>> rows = new ArrayList<>();

  /**
   * A column.
   *
   * @param header its title
   * @param right whether its values stand at the right, as numbers do
   * @param widthMin how narrow it may become where the table is too wide; 0 if it may not
   */
  record Column(String header, boolean right, int widthMin) {
    static Column text(String header) {
      return new Column(header, false, 0);
    }

    static Column number(String header) {
      return new Column(header, true, 0);
    }

    static Column flexible(String header, int widthMin) {
      return new Column(header, false, widthMin);
    }
  }

  Table(Column... columns) {
    this.columns = List.of(columns);
  }

  Table row(String... cells) {
    if (cells.length != columns.size()) {
      throw new IllegalArgumentException(
          "cells: " + cells.length + " (expected: " + columns.size() + ")");
    }
    rows.add(List.of(cells).stream().map(Printable::line).toList());
    return this;
  }

  /** The lines: the header, then the rows. */
  List<String> lines() {
    int[] widths = widths();
    List<String> lines = new ArrayList<>();
    lines.add(line(columns.stream().map(Column::header).toList(), widths));
    rows.forEach(row -> lines.add(line(row, widths)));
    return lines;
  }

  private int[] widths() {
    int[] widths = new int[columns.size()];
    int total = columns.size() - 1;
    for (int i = 0; i < widths.length; i++) {
      int column = i;
      widths[i] =
          Math.max(
              Printable.width(columns.get(i).header()),
              rows.stream().mapToInt(row -> Printable.width(row.get(column))).max().orElse(0));
      total += widths[i];
    }
    // The last column gives way first: what matters most stands at the left.
    for (int i = widths.length - 1; i >= 0 && total > WIDTH_MAX; i--) {
      int widthMin = columns.get(i).widthMin();
      if (widthMin > 0) {
        int narrower = Math.min(total - WIDTH_MAX, Math.max(0, widths[i] - widthMin));
        widths[i] -= narrower;
        total -= narrower;
      }
    }
    return widths;
  }

  private String line(List<String> cells, int[] widths) {
    StringBuilder line = new StringBuilder(WIDTH_MAX);
    for (int i = 0; i < widths.length; i++) {
      String cell = Printable.fit(cells.get(i), widths[i]);
      String padding = " ".repeat(widths[i] - Printable.width(cell));
      line.append(i == 0 ? "" : " ");
      line.append(columns.get(i).right() ? padding + cell : cell + padding);
    }
    return line.toString().stripTrailing();
  }
}
