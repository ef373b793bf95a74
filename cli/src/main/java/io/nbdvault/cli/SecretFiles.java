package io.nbdvault.cli;

import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Passphrase;
import io.nbdvault.chunkstore.key.PrivateKey;
import io.nbdvault.chunkstore.key.Recipient;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;

/** Reads files that hold passwords and keys. What is wrong with one never shows what is in it. */
final class SecretFiles {
  private static final String PUBLIC_KEY = "-----BEGIN PUBLIC KEY-----";

  private SecretFiles() {}

  /** The password that is the only line of a file. */
  static Passphrase password(Path file) throws IOException {
    byte[] content = read(file, Passphrase.BYTES_MAX + 2);
    return of(file, () -> onlyLine(content));
  }

  /** The content of a file as a key. */
  static KeyFile keyFile(Path file) throws IOException {
    byte[] content = read(file, KeyFile.BYTES_MAX);
    if (new String(content, StandardCharsets.UTF_8).contains(PUBLIC_KEY)) {
      throw new IOException(
          file
              + ": a public key, which unlocks nothing. Its private key does; the public one is for"
              + " key add --recipient.");
    }
    return of(file, () -> KeyFile.of(content));
  }

  /** The content of a file that a slot is to be made for. */
  static KeyFile newKeyFile(Path file) throws IOException {
    KeyFile content = keyFile(file);
    if (isPrivateKey(content)) {
      // It would be taken for what it is where it is to unlock, and not open this slot.
      throw new IOException(
          file + ": a private key, not a key file. Its public key is for key add --recipient.");
    }
    return content;
  }

  static boolean isPrivateKey(KeyFile content) {
    return PrivateKey.isPem(text(content));
  }

  static PrivateKey privateKey(Path file, KeyFile content) throws IOException {
    return of(file, () -> PrivateKey.parsePem(text(content)));
  }

  /** The public key in a PEM file. */
  static Recipient recipient(Path file) throws IOException {
    byte[] content = read(file, KeyFile.BYTES_MAX);
    return of(file, () -> Recipient.parsePem(new String(content, StandardCharsets.UTF_8)));
  }

  /** The password in text that ends, or not, with the end of its line. */
  static Passphrase onlyLine(byte[] content) {
    int length = content.length;
    length -= length > 0 && content[length - 1] == '\n' ? 1 : 0;
    length -= length > 0 && length < content.length && content[length - 1] == '\r' ? 1 : 0;
    byte[] line = Arrays.copyOf(content, length);
    for (byte b : line) {
      if (b == '\n') {
        throw new IllegalArgumentException("password: several lines (expected: one)");
      }
    }
    return Passphrase.ofBytes(line);
  }

  @FunctionalInterface
  private interface Decoder<T> {
    T decode();
  }

  private static <T> T of(Path file, Decoder<T> decoder) throws IOException {
    try {
      return decoder.decode();
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  private static byte[] read(Path file, int bytesMax) throws IOException {
    if (Files.isDirectory(file)) {
      throw new NotThereException(file + ": is a directory", null);
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(bytesMax + 1);
      if (content.length > bytesMax) {
        throw new IOException(file + ": more than " + bytesMax + " bytes");
      }
      return content;
    } catch (NoSuchFileException e) {
      throw new NotThereException(file + ": no such file or directory", e);
    } catch (AccessDeniedException e) {
      throw new IOException(file + ": permission denied", e);
    }
  }

  private static String text(KeyFile content) {
    return new String(content.content(), StandardCharsets.UTF_8);
  }
}
