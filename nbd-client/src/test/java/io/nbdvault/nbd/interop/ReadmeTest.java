package io.nbdvault.nbd.interop;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** README.md against the class it quotes; Maven runs tests in the module's directory. */
final class ReadmeTest {
  private static final Path SOURCE =
      Path.of("src/test/java/io/nbdvault/nbd/interop/ReadmeExample.java");

  @Test
  void showsWhatIsCompiled() throws Exception {
    String compiled =
        between(Files.readString(SOURCE), ReadmeExample.BEGIN, ReadmeExample.END)
            .stripTrailing()
            .stripIndent();
    String shown = between(Files.readString(Path.of("README.md")), "```java\n", "```\n");
    assertThat(shown).isEqualTo(compiled + "\n").hasLineCount(10);
  }

  private static String between(String text, String begin, String end) {
    assertThat(text).contains(begin, end);
    int start = text.indexOf(begin) + begin.length();
    return text.substring(start, text.indexOf(end, start));
  }
}
