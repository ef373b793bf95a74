package io.nbdvault.cli;

import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Passphrase;
import io.nbdvault.chunkstore.key.SlotKey;
import io.nbdvault.chunkstore.key.Unlocking;
import io.nbdvault.chunkstore.key.UnlockingKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where the repository's key comes from: the options, else the environment, else the terminal. Got
 * once, and then kept for the command's next attempt.
 */
final class KeySource implements Unlocking {
  /** Has the password where no option names one. */
  static final String PASSWORD_VARIABLE = "NBDVAULT_PASSWORD";

  /**
   * What the command line says.
   *
   * @param passwordFile has the password in its only line
   * @param passwordCommand prints it
   * @param keyFile a key file, or a private key
   */
  record Options(
      @Nullable Path passwordFile, @Nullable String passwordCommand, @Nullable Path keyFile) {
    boolean isEmpty() {
      return passwordFile == null && passwordCommand == null && keyFile == null;
    }

    boolean isAmbiguous() {
      int given = passwordFile == null ? 0 : 1;
      given += passwordCommand == null ? 0 : 1;
      return given + (keyFile == null ? 0 : 1) > 1;
    }
  }

  private final Surroundings surroundings;
  private final Options options;
  private @Nullable UnlockingKey known;

  KeySource(Surroundings surroundings, Options options) {
    this.surroundings = surroundings;
    this.options = options;
  }

  @Override
  public Optional<UnlockingKey> key() throws IOException {
    if (known == null) {
      known = given();
    }
    if (known == null && PasswordPrompt.canAsk(surroundings)) {
      known = new PasswordPrompt(surroundings.cancellation()).ask("password of the repository: ");
    }
    return Optional.ofNullable(known);
  }

  @Override
  public boolean expectsEncryption() {
    return !options.isEmpty() || !variable().isEmpty();
  }

  /**
   * The first key of a new repository, from the same sources. A person is asked twice.
   *
   * @throws IOException also if it is a private key, for which no slot can be made
   */
  Optional<SlotKey> newKey() throws IOException {
    if (options.keyFile() != null) {
      return Optional.of(SecretFiles.newKeyFile(options.keyFile()));
    }
    UnlockingKey key = given();
    return key instanceof Passphrase passphrase
        ? Optional.of(passphrase)
        : newPassword(surroundings).map(typed -> typed);
  }

  /** A password that a person types twice, if there is a person. */
  static Optional<Passphrase> newPassword(Surroundings surroundings) throws IOException {
    return PasswordPrompt.canAsk(surroundings)
        ? Optional.of(new PasswordPrompt(surroundings.cancellation()).askForNew())
        : Optional.empty();
  }

  private @Nullable UnlockingKey given() throws IOException {
    if (options.passwordFile() != null) {
      return SecretFiles.password(options.passwordFile());
    }
    if (options.passwordCommand() != null) {
      return PasswordCommand.run(options.passwordCommand());
    }
    if (options.keyFile() != null) {
      return keyOrPrivateKey(options.keyFile());
    }
    try {
      return variable().isEmpty() ? null : Passphrase.of(variable().toCharArray());
    } catch (IllegalArgumentException e) {
      throw new IOException(PASSWORD_VARIABLE + ": " + e.getMessage(), e);
    }
  }

  private static UnlockingKey keyOrPrivateKey(Path file) throws IOException {
    KeyFile content = SecretFiles.keyFile(file);
    return SecretFiles.isPrivateKey(content) ? SecretFiles.privateKey(file, content) : content;
  }

  private String variable() {
    return surroundings.environment().getOrDefault(PASSWORD_VARIABLE, "");
  }
}
