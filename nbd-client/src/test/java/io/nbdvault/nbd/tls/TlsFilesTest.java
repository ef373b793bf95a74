package io.nbdvault.nbd.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.testkit.TlsFiles;
import io.nbdvault.nbd.testkit.TlsFiles.KeyType;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is said of the files that TLS needs. */
final class TlsFilesTest {
  private static final TlsFiles CA = new TlsFiles("authority", KeyType.EC);
  private static final TlsFiles.Identity CLIENT = CA.issue("client");

  @TempDir Path dir;
  private Path ca;
  private Path certificate;
  private Path key;

  @BeforeEach
  void writeGoodFiles() throws Exception {
    CA.client(dir, CLIENT);
    ca = dir.resolve("ca-cert.pem");
    certificate = dir.resolve("client-cert.pem");
    key = dir.resolve("client-key.pem");
  }

  private void load() throws NbdConnectException {
    TlsClient.load(new TlsSettings.X509(Optional.of(dir), Optional.empty(), true));
  }

  private void assertBroken(Path file, String what) {
    assertThatThrownBy(this::load)
        .isInstanceOf(NbdConnectException.class)
        .hasMessageContaining(file + ": " + what);
  }

  @ParameterizedTest
  @EnumSource(KeyType.class)
  void readsKeysInEveryForm(KeyType keyType) throws Exception {
    TlsFiles authority = new TlsFiles("authority", keyType);
    TlsFiles.Identity client = authority.issue("client");
    authority.client(dir, client);
    load();
    Files.writeString(key, "some words before\n" + TlsFiles.traditional(client.keys()));
    load();
  }

  @Test
  void readsAnEcKeyBehindItsParameters() throws Exception {
    // As "openssl ecparam -genkey" writes it.
    Files.writeString(
        key,
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
            + TlsFiles.traditional(CLIENT.keys()));
    load();
  }

  @Test
  void readsBundlesAndDoesWithoutAnyFile() throws Exception {
    String another = TlsFiles.pem(new TlsFiles("another", KeyType.RSA).certificate());
    Files.writeString(ca, Files.readString(ca) + "and\n" + another);
    CA.revoke(dir);
    load();
    Files.delete(dir.resolve("ca-crl.pem"));
    Files.delete(ca);
    Files.delete(certificate);
    Files.delete(key);
    load();
    TlsClient.load(TlsSettings.system());
  }

  @Test
  void saysWhichFileIsMissing() throws Exception {
    Files.delete(key);
    assertBroken(certificate, "there is no client-key.pem beside the file");
    writeGoodFiles();
    Files.delete(certificate);
    assertBroken(key, "there is no client-cert.pem beside the file");
    writeGoodFiles();
    CA.revoke(dir);
    Files.delete(ca);
    assertBroken(dir.resolve("ca-crl.pem"), "there is no ca-cert.pem beside the file");
    dir = dir.resolve("elsewhere");
    assertBroken(dir, "there is no such directory");
  }

  @Test
  void saysThatAFileCannotBeRead() throws Exception {
    Files.delete(ca);
    Files.createDirectory(ca);
    assertBroken(ca, "the file cannot be read");
    Files.delete(ca);
    try (RandomAccessFile large = new RandomAccessFile(ca.toFile(), "rw")) {
      large.setLength(5 << 20);
    }
    assertBroken(ca, "the file is longer than");
    Files.write(ca, new byte[] {(byte) 0xff});
    assertBroken(ca, "the file is not text");
  }

  @Test
  void saysThatAFileHoldsSomethingElse() throws Exception {
    Files.writeString(ca, "nothing of use");
    assertBroken(ca, "there is no PEM certificate in the file");
    writeGoodFiles();
    Files.copy(key, ca, StandardCopyOption.REPLACE_EXISTING);
    assertBroken(ca, "there is no PEM certificate in the file");
    writeGoodFiles();
    Files.writeString(key, Files.readString(certificate));
    assertBroken(key, "there is no PEM private key in the file");
    writeGoodFiles();
    Files.writeString(dir.resolve("ca-crl.pem"), Files.readString(certificate));
    assertBroken(dir.resolve("ca-crl.pem"), "there is no PEM revocation list in the file");
  }

  @Test
  void saysThatAFileIsDamaged() throws Exception {
    Files.writeString(ca, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assertBroken(ca, "the file is damaged: ");
    Files.writeString(ca, "-----BEGIN CERTIFICATE-----\nMIIB");
    assertBroken(ca, "the file is damaged: ");
    writeGoodFiles();
    Files.writeString(key, "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n");
    assertBroken(key, "the file is damaged: ");
  }

  @Test
  void saysThatAKeyIsAnothers() throws Exception {
    Files.writeString(key, TlsFiles.pkcs8(CA.issue("other").keys()));
    assertBroken(key, "the key is not that of client-cert.pem");
    Files.writeString(key, TlsFiles.pkcs8(KeyType.RSA.generate()));
    assertBroken(key, "the key is not that of client-cert.pem");
  }

  @Test
  void saysThatAKeyIsEncryptedOrUnknown() throws Exception {
    Files.writeString(
        key,
        """
        -----BEGIN RSA PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-128-CBC,00

        AAAA
        -----END RSA PRIVATE KEY-----
        """);
    assertBroken(key, "the private key is encrypted with a passphrase");
    // PKCS#8 of an X25519 key, which signs nothing.
    Files.writeString(
        key,
        """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VuBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
        -----END PRIVATE KEY-----
        """);
    assertThatThrownBy(this::load)
        .isInstanceOf(NbdConnectException.class)
        .hasMessageStartingWith(key + ": the ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''|there is no line USERNAME:HEXKEY in the file",
        "alice|line 1 is not USERNAME:HEXKEY",
        ":00|line 1 is not USERNAME:HEXKEY",
        "bob:00|there is no key for user 'alice' in the file",
        "alice:|the key of user 'alice' is not 1..1024 bytes in hex digits",
        "alice:0|the key of user 'alice' is not 1..1024 bytes in hex digits",
        "alice:0g|the key of user 'alice' is not 1..1024 bytes in hex digits",
      })
  void saysWhatIsWrongWithAFileOfKeys(String content, String what) throws Exception {
    Path file = Files.writeString(dir.resolve("keys.psk"), content);
    assertThatThrownBy(() -> TlsClient.load(new TlsSettings.Psk(file, Optional.of("alice"))))
        .isInstanceOf(NbdConnectException.class)
        .hasMessageContaining(file + ": " + what);
  }

  @Test
  void saysThatThereIsNoFileOfKeys() {
    Path file = dir.resolve("none.psk");
    assertThatThrownBy(() -> TlsClient.load(new TlsSettings.Psk(file, Optional.empty())))
        .isInstanceOf(NbdConnectException.class)
        .hasMessage(file + ": there is no such file");
  }

  @Test
  void findsTheUserOfAKey() throws Exception {
    PskFile two = PskFile.read(TlsFiles.psk(dir, "alice", "0a", "bob", "0B"));
    assertThat(two.find(Optional.of("bob"), "alice").key()).containsExactly(11);
    assertThat(two.find(Optional.empty(), "alice").key()).containsExactly(10);
    assertThatThrownBy(() -> two.find(Optional.empty(), "root"))
        .hasMessageContaining("no key for user 'root'")
        .hasMessageContaining("name one of its users in the URI");
    PskFile one = PskFile.read(TlsFiles.psk(dir, "alice", "0a"));
    assertThat(one.find(Optional.empty(), "root").username()).isEqualTo("alice");
  }

  @Test
  void tellsNobodyAKey() throws Exception {
    PskFile file = PskFile.read(TlsFiles.psk(dir, "alice", "c0ffee"));
    assertThat(file.find(Optional.empty(), "alice").toString()).doesNotContain("c0ffee");
    assertThat(KeyFile.read(dir.resolve("keys.psk")).toString()).doesNotContain("c0ffee");
  }
}
