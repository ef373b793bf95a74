package io.nbdvault.chunkstore.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeysOfPeopleTest {
  /** Written by {@code openssl genpkey -algorithm x25519}, and {@code openssl pkey -pubout}. */
  private static final String OPENSSL_PRIVATE =
      """
      -----BEGIN PRIVATE KEY-----
      MC4CAQAwBQYDK2VuBCIEIMhuAVp4TUzp48IwurIn2vQ1/p9ox9icQRK8CqLh4XBW
      -----END PRIVATE KEY-----
      """;

  private static final String OPENSSL_PUBLIC =
      """
      -----BEGIN PUBLIC KEY-----
      MCowBQYDK2VuAyEAXqaMz/gBeVXS3pc+PsaTMfuTPcIeodyk31Ze3IRR5Ss=
      -----END PUBLIC KEY-----
      """;

  @Test
  void readsAndWritesPairsAsOpenSslDoes() {
    assertThat(PrivateKey.parsePem(OPENSSL_PRIVATE).toPem()).isEqualTo(OPENSSL_PRIVATE);
    assertThat(Recipient.parsePem(OPENSSL_PUBLIC).toPem()).isEqualTo(OPENSSL_PUBLIC);
    assertThat(PrivateKey.isPem("\n" + OPENSSL_PRIVATE)).isTrue();
    assertThat(PrivateKey.isPem(OPENSSL_PUBLIC)).isFalse();
  }

  @Test
  void readsBackAPairThatItMade() {
    PrivateKey.Pair pair = PrivateKey.generate();
    assertThat(PrivateKey.parsePem(pair.privateKey().toPem()).bytes())
        .isEqualTo(pair.privateKey().bytes());
    assertThat(Recipient.parsePem(pair.recipient().toPem())).isEqualTo(pair.recipient());
    assertThat(PrivateKey.generate().recipient()).isNotEqualTo(pair.recipient());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEA\n-----END PUBLIC KEY-----",
        // Of Ed25519, which signs.
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
            + "-----END PUBLIC KEY-----",
      })
  void refusesWhatIsNoPublicKey(String pem) {
    assertThatThrownBy(() -> Recipient.parsePem(pem)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PrivateKey.parsePem(pem)).isInstanceOf(IllegalArgumentException.class);
    String secret = pem.replace("PUBLIC", "PRIVATE");
    assertThatThrownBy(() -> PrivateKey.parsePem(secret))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void takesPassphrasesAsTheirBytesInUtf8() {
    assertThat(Passphrase.of("Größe".toCharArray()).bytes())
        .isEqualTo("Größe".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void refusesPassphrasesThatAreEmptyTooLongOrNotText() {
    assertRefused("");
    assertRefused("x".repeat(1025));
    assertRefused("a\uFFFDb");
    assertRefused("a\uD800");
    assertThat(Passphrase.of("x".repeat(1024).toCharArray()).bytes()).hasSize(1024);
  }

  @Test
  void refusesKeyFilesThatAreTooShortOrTooLong() {
    assertThatThrownBy(() -> KeyFile.of(new byte[31]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("32");
    assertThatThrownBy(() -> KeyFile.of(new byte[(1 << 20) + 1]))
        .isInstanceOf(IllegalArgumentException.class);
    byte[] content = new byte[32];
    KeyFile file = KeyFile.of(content);
    Arrays.fill(content, (byte) 1);
    assertThat(file.content()).containsOnly(0);
  }

  @Test
  void showsNoSecret() {
    assertThat("" + Passphrase.of("hunter2".toCharArray())).doesNotContain("hunter2");
    assertThat("" + KeyFile.of(new byte[32])).doesNotContain("0");
    assertThat("" + PrivateKey.generate()).doesNotContain("PRIVATE KEY");
  }

  private static void assertRefused(String text) {
    assertThatThrownBy(() -> Passphrase.of(text.toCharArray()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("password: ");
  }
}
