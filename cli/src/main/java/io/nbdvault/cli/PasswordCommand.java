package io.nbdvault.cli;

import io.nbdvault.chunkstore.key.Passphrase;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.TimeUnit;

/** Runs the command that prints the password. */
final class PasswordCommand {
  /** Somebody may have to unlock a password store first. */
  private static final long SECONDS_MAX = 120;

  private PasswordCommand() {}

  /** The one line that a shell command prints. */
  static Passphrase run(String command) throws IOException {
    Process process =
        new ProcessBuilder("/bin/sh", "-c", command)
            .redirectInput(ProcessBuilder.Redirect.INHERIT)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      // A password fits into the pipe, so it need not be read while the command runs.
      if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
        throw new IOException("The password command did not end within " + SECONDS_MAX + " s.");
      }
      if (process.exitValue() != 0) {
        throw new IOException("The password command failed: exit " + process.exitValue() + ".");
      }
      return SecretFiles.onlyLine(process.getInputStream().readNBytes(Passphrase.BYTES_MAX + 3));
    } catch (IllegalArgumentException e) {
      throw new IOException("The password command: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while the password command ran");
    } finally {
      process.destroyForcibly();
    }
  }
}
