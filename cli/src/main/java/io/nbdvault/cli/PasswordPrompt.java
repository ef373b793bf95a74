package io.nbdvault.cli;

import io.nbdvault.chunkstore.key.Passphrase;
import io.nbdvault.engine.Cancellation;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Asks for a password on the terminal that the process belongs to, whatever stdin and stdout are.
 * {@code System.console()} wants both to be it, and is always there since JDK 22. The bytes that
 * are typed are the password, whatever the locale.
 */
final class PasswordPrompt {
  private static final File TERMINAL = new File("/dev/tty");
  private static final int TRIES_MAX = 3;
  private static final long STTY_SECONDS_MAX = 5;
  private static final int SETTINGS_BYTES_MAX = 4096;

  private final Cancellation cancellation;

  PasswordPrompt(Cancellation cancellation) {
    this.cancellation = cancellation;
  }

  /** Whether there is a terminal to ask on. */
  static boolean canAsk(Surroundings surroundings) {
    if (!surroundings.stderrIsOurs()) {
      return false;
    }
    try (InputStream terminal = new FileInputStream(TERMINAL)) {
      return terminal.available() >= 0;
    } catch (IOException e) {
      // Without a controlling terminal, as under cron, it cannot be opened.
      return false;
    }
  }

  /** Asks once. */
  Passphrase ask(String question) throws IOException {
    String settings = stty("-g");
    stty("-echo");
    try {
      say(question);
      return answer();
    } catch (IllegalArgumentException e) {
      throw new IOException("" + e.getMessage(), e);
    } finally {
      stty(settings);
      say("\n");
    }
  }

  /** Asks for a new password until it was typed twice the same. */
  Passphrase askForNew() throws IOException {
    for (int attempt = 1; attempt <= TRIES_MAX; attempt++) {
      Passphrase once = ask("new password: ");
      Passphrase again = ask("the same again: ");
      if (Arrays.equals(once.bytes(), again.bytes())) {
        return once;
      }
      say("these differ\n");
    }
    throw new IOException("No two passwords were the same.");
  }

  /** Nothing ends the reading of a terminal, so it is left to a thread that the JVM may leave. */
  private Passphrase answer() throws IOException {
    CompletableFuture<byte[]> line = new CompletableFuture<>();
    Thread reader = new Thread(() -> read(line), "nbdvault-password");
    reader.setDaemon(true);
    reader.start();
    cancellation.onCancel(
        () -> line.completeExceptionally(new InterruptedIOException("interrupted")));
    try {
      return Passphrase.ofBytes(line.get());
    } catch (ExecutionException e) {
      if (cancellation.isCancelled()) {
        throw new InterruptedIOException("interrupted");
      }
      throw new IOException("Cannot read a password from the terminal.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  private static void read(CompletableFuture<byte[]> line) {
    try (InputStream terminal = new FileInputStream(TERMINAL)) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (int b = terminal.read(); b >= 0 && b != '\n'; b = terminal.read()) {
        if (bytes.size() <= Passphrase.BYTES_MAX) {
          bytes.write(b);
        }
      }
      line.complete(bytes.toByteArray());
    } catch (IOException e) {
      line.completeExceptionally(e);
    }
  }

  private static void say(String text) throws IOException {
    try (OutputStream terminal = new FileOutputStream(TERMINAL)) {
      terminal.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static String stty(String argument) throws IOException {
    Process process =
        new ProcessBuilder("stty", argument)
            .redirectInput(TERMINAL)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      if (!process.waitFor(STTY_SECONDS_MAX, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IOException("Cannot ask for a password: stty " + argument + " failed.");
      }
      byte[] output = process.getInputStream().readNBytes(SETTINGS_BYTES_MAX);
      return new String(output, StandardCharsets.US_ASCII).strip();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    } finally {
      process.destroyForcibly();
    }
  }
}
