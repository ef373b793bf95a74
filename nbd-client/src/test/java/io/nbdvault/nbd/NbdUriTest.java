package io.nbdvault.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Optional;
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
  void readsHowTheConnectionIsSecured() {
    assertThat(NbdUri.parse("nbds://h").tls()).contains(TlsSettings.system());
    assertThat(NbdUri.parse("nbd://h").tls()).isEmpty();
    assertThat(NbdUri.parse("nbds://h/?tls-verify-peer=true&tls-type=x509&x-more=1"))
        .isEqualTo(NbdUri.parse("nbds://h"));
    // A user is nothing to certificates, and a host's name nothing to a key.
    assertThat(NbdUri.parse("nbds+unix://alice@/?socket=s&tls-certificates=certs"))
        .isEqualTo(
            NbdUri.unix(Path.of("s"), "")
                .withTls(
                    new TlsSettings.X509(Optional.of(Path.of("certs")), Optional.empty(), true)));
    assertThat(NbdUri.parse("nbds://bob@h/?tls-psk-file=f&tls-hostname=x&tls-type=psk").tls())
        .contains(new TlsSettings.Psk(Path.of("f"), Optional.of("bob")));
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
        "nbd://[fe80::1%25eth0]/x",
        "nbd://h:5/a/b%20c",
        "nbd+unix:///%C3%A4?socket=/run/x%26y%25",
        "nbds://example.com/x",
        "nbds+unix:///x?socket=/s",
        "nbds://h/x?tls-certificates=/a%20b&tls-hostname=example.com&tls-verify-peer=0",
        "nbds://al%2Fi%40ce@[::1]:1/x?tls-psk-file=/keys.psk",
        "nbds+unix://alice@/x?socket=/s&tls-psk-file=keys%26.psk"
      })
  void writesWhatItReads(String text) {
    NbdUri uri = NbdUri.parse(text);
    assertThat(uri).hasToString(text);
    assertThat(NbdUri.parse(uri.toString())).isEqualTo(uri);
  }

  @ParameterizedTest
  @CsvSource({
    "http://h/, is none of nbd",
    "nbdss://h/, is none of nbd",
    "nbd:unix:/x, it should look like",
    "/dev/sda, it should look like",
    "nbd:///x, the host is missing.",
    "nbd://h:x/, is not a number.",
    "nbd://me@h/, a user name needs the scheme nbds",
    "nbds://@h/, the user name before '@' is empty.",
    "nbds:///x, the host is missing.",
    "nbds://me@/x, the host is missing.",
    "nbds+unix:///x, socket=PATH is missing.",
    "nbd://h/?socket=s, the parameter socket needs the scheme nbd+unix",
    "nbd://h/?tls-psk-file=f, the parameter tls-psk-file needs the scheme nbds",
    "nbd+unix:///?socket=s&tls-certificates=d, the parameter tls-certificates needs the scheme",
    "nbd://h/?tls-hostname=x, the parameter tls-hostname needs the scheme nbds",
    "nbd://h/?tls-verify-peer=1, the parameter tls-verify-peer needs the scheme nbds",
    "nbds://h/?tls-certificates=d&tls-psk-file=f, exclude each other.",
    "nbds://h/?tls-certificates=, the parameter tls-certificates is empty.",
    "nbds://h/?tls-psk-file, the parameter tls-psk-file is empty.",
    "nbds://h/?tls-psk-file=%00, is not a path",
    "nbds://h/?tls-verify-peer=no, is 'no' and not 0 or 1.",
    "nbds://h/?tls-hostname=, hostname: 0 bytes (expected: 1..253)",
    "nbds://h/?tls-hostname=a%0Ab, hostname: contains a control character",
    "nbds://a%3Ab@h/?tls-psk-file=f, username: contains ':'",
    "nbds://h/?tls-type=anon, tls-type=anon is neither x509 nor psk.",
    "nbds://h/?tls-type=psk, tls-type=psk needs tls-psk-file=FILE.",
    "nbds://h/?tls-type=x509&tls-psk-file=f, exclude each other.",
    "nbds://h/?tls-psk-file=%FF, is not UTF-8",
    "nbd+unix:///x, socket=PATH is missing.",
    "nbd+unix://h/x?socket=s, a unix socket has no host",
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
  void refusesWhatCouldNotBeReadBack() {
    assertThatThrownBy(() -> NbdUri.tcp("h", 1, "a\ud800"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("exportName: half a surrogate pair");
    assertThatThrownBy(() -> NbdUri.tcp("\udc00", 1, ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("host: half a surrogate pair");
    assertThatThrownBy(() -> NbdUri.tcp("a:b", 1, ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not an IPv6 address");
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
