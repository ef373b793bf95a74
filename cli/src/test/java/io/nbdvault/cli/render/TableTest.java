package io.nbdvault.cli.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.cli.render.Table.Column;
import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void alignsTextLeftAndNumbersRight() {
    Table table =
        new Table(Column.text("NAME"), Column.number("SIZE")).row("a", "1").row("bb", "22222");

    assertThat(table.lines()).containsExactly("NAME  SIZE", "a        1", "bb   22222");
  }

  @Test
  void cutsTheLastFlexibleColumnFirst() {
    Table table =
        new Table(Column.flexible("A", 4), Column.text("B"), Column.flexible("C", 4))
            .row("a".repeat(30), "b".repeat(20), "c".repeat(60));

    assertThat(table.lines().get(1))
        .hasSize(80)
        .startsWith("a".repeat(30) + " " + "b".repeat(20) + " ")
        .endsWith("cc..");
  }

  @Test
  void cutsFurtherColumnsWhereTheLastIsNotEnough() {
    Table table =
        new Table(Column.flexible("A", 4), Column.text("B"), Column.flexible("C", 4))
            .row("a".repeat(90), "b".repeat(20), "c".repeat(60));

    assertThat(table.lines().get(1)).hasSize(80).endsWith(" cc..");
  }

  @Test
  void leavesNoBlanksAtTheEndOfALine() {
    Table table = new Table(Column.text("LONG HEADER")).row("x");

    assertThat(table.lines().get(1)).isEqualTo("x");
  }

  @Test
  void refusesARowOfAnotherLength() {
    Table table = new Table(Column.text("A"));

    assertThatThrownBy(() -> table.row("1", "2"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cells: 2 (expected: 1)");
  }
}
