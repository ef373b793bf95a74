package io.nbdvault.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class NbdUriTest {
  @Test
  void readsTcpWithAndWithoutPort() {
    assertThat(NbdUri.parse("nbd://example.com")).isEqualTo(NbdUri.tcp("example.com", 10809, ""));
    assertThat(NbdUri.parse("nbd://my_host:1/a/b")).isEqualTo(NbdUri.tcp("my_host", 1, "a/b"));
    assertThat(NbdUri.parse("nbd://[::1]:99/")).isEqualTo(NbdUri.tcp("::1", 99, ""));
  }

  @Test
  void readsUnixSockets() {
    assertThat(NbdUri.parse("nbd+unix:///disk?socket=/run/a.sock"))
        .isEqualTo(NbdUri.unix(Path.of("/run/a.sock"), "disk"));
    assertThat(NbdUri.parse("nbd+unix://?other=1&socket=a%20b"))
        .isEqualTo(NbdUri.unix(Path.of("a b"), ""));
  }

  @Test
  void unescapesExportNames() {
    assertThat(NbdUri.parse("nbd://h/%C3%A4%2Fx%3F").exportName()).isEqualTo("ä/x?");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nbd://example.com/",
        "nbd://[fe80::1]/x",
        "nbd://h:5/a/b%20c",
        "nbd+unix:///%C3%A4?socket=/run/x%26y%25"
      })
  void writesWhatItReads(String text) {
    NbdUri uri = NbdUri.parse(text);
    assertThat(uri).hasToString(text);
    assertThat(NbdUri.parse(uri.toString())).isEqualTo(uri);
  }

  @ParameterizedTest
  @CsvSource({
    "nbds://h/x, TLS is not supported yet.",
    "nbds+unix:///x?socket=s, TLS is not supported yet.",
    "http://h/, is neither nbd nor nbd+unix.",
    "nbd:unix:/x, it should look like",
    "/dev/sda, it should look like",
    "nbd:///x, the host is missing.",
    "nbd://h:x/, is not a number.",
    "nbd://me@h/, a user name",
    "nbd+unix:///x, socket=PATH is missing.",
    "nbd+unix://h/x?socket=s, takes no host",
    "nbd+unix:///x?socket=%00, is not a path",
    "nbd://h/%FF, is not UTF-8",
    "nbd://h/%00, contains NUL",
    "nbd://h:70000/, port: 70000",
  })
  void refusesWithOneSentence(String text, String reason) {
    assertThatThrownBy(() -> NbdUri.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void refusesNamesAndPathsThatAreTooLong() {
    assertThatThrownBy(() -> NbdUri.tcp("h", 1, "x".repeat(4097)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> NbdUri.unix(Path.of("/" + "x".repeat(107)), ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("108 bytes");
  }
}
