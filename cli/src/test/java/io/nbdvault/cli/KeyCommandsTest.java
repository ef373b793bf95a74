package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Passwords and keys on the command line, within this process and so without a terminal. */
class KeyCommandsTest {
  @TempDir private Path dir;
  private String repository = "";
  private String password = "";
  private String keyFile = "";

  @BeforeEach
  void writeKeys() throws IOException {
    repository = dir.resolve("repository").toString();
    password = Files.writeString(dir.resolve("password"), "correct horse\n").toString();
    keyFile = Files.write(dir.resolve("key"), new byte[32]).toString();
  }

  private TestRun nbdvault(Map<String, String> environment, String... args) {
    Map<String, String> all = new TreeMap<>(environment);
    all.put("NBDVAULT_REPO", repository);
    return TestRun.with(all, args);
  }

  private TestRun nbdvault(String... args) {
    return nbdvault(Map.of(), args);
  }

  /** Runs a command that must succeed. */
  private TestRun done(String... args) {
    TestRun run = nbdvault(args);
    assertThat(run.code()).as(run.out() + run.err()).isZero();
    return run;
  }

  private void fails(int code, String part, String... args) {
    fails(nbdvault(args), code, part);
  }

  private static void fails(TestRun run, int code, String part) {
    assertThat(run.code()).as(run.err()).isEqualTo(code);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("nbdvault: ").contains(part);
    assertThat(run.out()).isEmpty();
  }

  @Test
  void takesThePasswordFromAFileACommandOrTheEnvironment() throws IOException {
    TestRun made = done("init", "--encrypt", "--password-file", password);
    assertThat(made.out()).endsWith(", compression lz4, encrypted\n");
    done("snapshots", "--password-file", password);
    done("--password-file", password, "snapshots");
    done("snapshots", "--password-command", "echo 'correct horse'");
    Map<String, String> variable = Map.of("NBDVAULT_PASSWORD", "correct horse");
    assertThat(nbdvault(variable, "snapshots").code()).isZero();
    String wrong = Files.writeString(dir.resolve("wrong"), "correct horsf").toString();
    fails(nbdvault(variable, "snapshots", "--password-file", wrong), 12, "Wrong password");
  }

  @Test
  void saysOfAWrongPasswordNothingElse() throws IOException {
    done("init", "--encrypt", "--password-file", password);
    String sentence = "Wrong password or key for the repository " + repository + ".";
    TestRun run = nbdvault(Map.of("NBDVAULT_PASSWORD", "guess"), "snapshots", "--json");
    assertThat(run.code()).isEqualTo(12);
    assertThat(run.err()).isEqualTo("nbdvault: " + sentence + "\n");
    JsonNode error = run.event("error");
    assertThat(run.json()).hasSize(1);
    assertThat(error.path("code").intValue()).isEqualTo(12);
    assertThat(error.path("message").textValue()).isEqualTo(sentence);
    fails(12, sentence, "snapshots", "--key-file", keyFile);
    fails(12, "no password or key was given", "snapshots");
  }

  @Test
  void saysWhatIsWrongWithAPasswordThatCannotBeHad() throws IOException {
    done("init", "--encrypt", "--password-file", password);
    String lines = Files.writeString(dir.resolve("lines"), "one\ntwo\n").toString();
    String empty = Files.writeString(dir.resolve("empty"), "\n").toString();
    fails(1, "several lines", "snapshots", "--password-file", lines);
    fails(1, "0 bytes", "snapshots", "--password-file", empty);
    for (String option : List.of("--password-file", "--key-file")) {
      fails(2, "absent: no such file", "snapshots", option, dir + "/absent");
      fails(2, "absent: no such file", "snapshots", option, dir + "/no/absent");
      fails(2, dir + ": is a directory", "snapshots", option, dir.toString());
    }
    for (String option : List.of("--new-password-file", "--new-key-file", "--recipient")) {
      fails(
          2,
          "absent: no such file",
          "key",
          "add",
          "--password-file",
          password,
          option,
          dir + "/absent");
    }
    fails(2, "no does not exist", "key", "generate", dir + "/no/pair.pem");
    fails(1, "exit 3", "snapshots", "--password-command", "exit 3");
    fails(1, "31 bytes", "snapshots", "--key-file", key(31));
    fails(2, "exclude each other", "snapshots", "--password-file", "x", "--key-file", "y");
    TestRun garbled = nbdvault(Map.of("NBDVAULT_PASSWORD", "a\uFFFD"), "snapshots");
    fails(garbled, 1, "NBDVAULT_PASSWORD: password: it holds bytes that are no text");
  }

  @Test
  void refusesARepositoryInTheClearToWhoBringsAPassword() {
    fails(2, "not --encrypt", "init", "--password-file", password);
    assertThat(Path.of(repository)).doesNotExist();
    done("init");
    fails(1, "is not encrypted", "snapshots", "--password-file", password);
    fails(1, "is not encrypted", "key", "list");
    fails(1, "is not encrypted", "key", "rotate");
  }

  @Test
  void asksForAPasswordWhereThereIsATerminalOnly() {
    fails(2, "--encrypt: there is no terminal", "init", "--encrypt");
    assertThat(Path.of(repository)).doesNotExist();
    done("init", "--encrypt", "--key-file", keyFile);
    fails(2, "--new-password-file", "key", "add", "--key-file", keyFile);
  }

  @Test
  void addsListsChangesAndRemovesSlots() throws IOException {
    done("init", "--encrypt", "--password-file", password);
    String recovery = dir.resolve("recovery.pem").toString();
    done("key", "generate", recovery);
    addWith(password, "--new-key-file", keyFile, "--label", "timer");
    addWith(password, "--recipient", recovery + ".pub", "--label", "safe");
    assertThat(done("key", "list").out().lines().map(String::strip))
        .hasSize(4)
        .anySatisfy(line -> assertThat(line).matches("1 +passphrase +20.{17}"))
        .anySatisfy(line -> assertThat(line).matches("2 +key-file +20.{17} timer"))
        .anySatisfy(line -> assertThat(line).matches("3 +recipient +20.{17} safe"));
    List<JsonNode> slots = done("key", "list", "--json").json();
    assertThat(slots)
        .extracting(slot -> slot.path("kind").textValue())
        .containsExactly("passphrase", "key-file", "recipient");

    done("snapshots", "--key-file", keyFile);
    done("snapshots", "--key-file", recovery);
    String other = Files.writeString(dir.resolve("other"), "battery staple").toString();
    done("key", "change-password", "--password-file", password, "--new-password-file", other);
    fails(12, "Wrong password", "snapshots", "--password-file", password);
    done("snapshots", "--password-file", other);
    done(
        "key",
        "change-password",
        "--slot",
        "1",
        "--key-file",
        keyFile,
        "--new-password-file",
        password);
    done("snapshots", "--password-file", password);

    done("key", "remove", "1", "--key-file", recovery);
    fails(12, "Wrong password", "snapshots", "--password-file", password);
    done("key", "remove", "3", "--key-file", recovery);
    fails(2, "is the last", "key", "remove", "2", "--key-file", keyFile);
    fails(2, "there is no key slot 3", "key", "remove", "3", "--key-file", keyFile);
  }

  @Test
  void keepsTheLastKeyThatATimerCanUse() throws IOException {
    done("init", "--encrypt", "--password-file", password);
    String recovery = dir.resolve("recovery.pem").toString();
    done("key", "generate", recovery);
    addWith(password, "--recipient", recovery + ".pub");
    addWith(password, "--new-key-file", keyFile);
    String[] again = {"key", "add", "--new-key-file", keyFile, "--password-file", password};
    fails(2, keyFile + " opens a key slot", again);
    done("key", "remove", "1", "--key-file", keyFile);
    fails(
        2,
        "is the last for a password or a key file",
        "key",
        "remove",
        "3",
        "--key-file",
        recovery);
    done("snapshots", "--key-file", keyFile);
    done("key", "remove", "3", "--force", "--key-file", recovery);
    fails(12, "Wrong password", "snapshots", "--key-file", keyFile);
    done("snapshots", "--key-file", recovery);
  }

  @Test
  void saysAtOnceThatLostKeysAreLostBackups() {
    TestRun made = done("init", "--encrypt", "--password-file", password);
    assertThat(made.err()).startsWith("If all keys are lost, so are all backups").hasLineCount(1);
    repository = dir.resolve("second").toString();
    assertThat(done("init", "--encrypt", "-q", "--password-file", password).err()).isEmpty();
  }

  private void addWith(String passwordFile, String... more) throws IOException {
    List<String> args = new ArrayList<>(List.of("key", "add", "--password-file", passwordFile));
    args.addAll(List.of(more));
    args.add("--json");
    assertThat(done(args.toArray(new String[0])).event("summary").path("job").textValue())
        .isEqualTo("key-add");
  }

  @Test
  void saysWhatIsWrongWithASlot() throws IOException {
    done("init", "--encrypt", "--key-file", keyFile);
    String recovery = dir.resolve("recovery.pem").toString();
    done("key", "generate", recovery);
    String[] unlock = {"--key-file", keyFile};
    fails(2, "has no password", with(unlock, "key", "change-password"));
    fails(2, "there is no key slot 9", with(unlock, "key", "change-password", "--slot", "9"));
    fails(1, "PEM", with(unlock, "key", "add", "--recipient", keyFile));
    fails(1, "PEM", with(unlock, "key", "add", "--recipient", recovery));
    fails(1, "a private key", with(unlock, "key", "add", "--new-key-file", recovery));
    fails(
        2,
        "--label",
        with(unlock, "key", "add", "--new-key-file", keyFile, "--label", "x".repeat(65)));
    fails(
        2,
        "mutually exclusive",
        with(unlock, "key", "add", "--new-key-file", keyFile, "--recipient", recovery));
    fails(1, recovery + ": exists already", "key", "generate", recovery);
    fails(1, "a public key", "snapshots", "--key-file", recovery + ".pub");
    fails(1, "a public key", with(unlock, "key", "add", "--new-key-file", recovery + ".pub"));
    repository = dir.resolve("second").toString();
    fails(1, "a private key", "init", "--encrypt", "--key-file", recovery);
    fails(10, "There is no repository", "key", "list");
  }

  @Test
  void writesThePrivateKeyForItsOwnerOnly() throws IOException {
    Path recovery = dir.resolve("recovery.pem");
    JsonNode summary = done("key", "generate", recovery.toString(), "--json").event("summary");
    assertThat(summary.path("publicKey").textValue()).isEqualTo(recovery + ".pub");
    assertThat(Files.getPosixFilePermissions(recovery))
        .containsExactlyInAnyOrder(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
    assertThat(Files.readString(recovery)).startsWith("-----BEGIN PRIVATE KEY-----");
    assertThat(Files.readString(Path.of(recovery + ".pub")))
        .startsWith("-----BEGIN PUBLIC KEY-----");
  }

  @Test
  void beginsANewKey() throws IOException {
    done("init", "--encrypt", "--key-file", keyFile);
    assertThat(done("key", "rotate", "--key-file", keyFile).out())
        .isEqualTo("what is stored from now on is sealed under key 2\n");
    JsonNode summary = done("key", "rotate", "--key-file", keyFile, "--json").event("summary");
    assertThat(summary.path("keyEpoch").intValue()).isEqualTo(3);
  }

  @Test
  void leavesARepositoryThatIsThereAsItIs() throws IOException {
    done("init", "--encrypt", "--key-file", keyFile);
    byte[] keys = Files.readAllBytes(Path.of(repository, "keys.json"));
    fails(1, "is a repository already", "init", "--encrypt", "--key-file", keyFile);
    assertThat(Path.of(repository, "keys.json")).hasBinaryContent(keys);
    JsonNode summary;
    repository = dir.resolve("second").toString();
    summary = done("init", "--encrypt", "--key-file", keyFile, "--json").event("summary");
    assertThat(summary.path("encryption").textValue()).isEqualTo("aes-256-gcm");
  }

  private static String[] with(String[] last, String... first) {
    List<String> all = new ArrayList<>(List.of(first));
    all.addAll(Arrays.asList(last));
    return all.toArray(new String[0]);
  }

  private String key(int length) throws IOException {
    return Files.write(dir.resolve("key" + length), new byte[length]).toString();
  }
}
