package io.nbdvault.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PrintableTest {
  @Test
  void takesControlCharactersFromText() {
    assertThat(Printable.line("a\u001b[31mb\r\nc\td\u0007")).isEqualTo("a [31mb c d");
  }

  @Test
  void takesInvisibleReorderingFromText() {
    assertThat(Printable.line("a\u202eb")).isEqualTo("ab");
  }

  @Test
  void keepsLettersOfAnyScript() {
    assertThat(Printable.line("büro 仮想 😀")).isEqualTo("büro 仮想 😀");
  }

  @Test
  void showsWhereItCut() {
    assertThat(Printable.fit("abcdef", 6)).isEqualTo("abcdef");
    assertThat(Printable.fit("abcdefg", 6)).isEqualTo("abcd..");
    assertThat(Printable.fit("abc", 1)).isEqualTo(".");
  }

  @Test
  void neverCutsACharacterInTwo() {
    assertThat(Printable.fit("😀😀😀😀", 3)).isEqualTo("😀..");
  }
}
