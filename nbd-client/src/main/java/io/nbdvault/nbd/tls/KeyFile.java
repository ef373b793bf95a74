package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdConnectException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A small text file of certificates or keys, and how to complain about it. */
record KeyFile(Path path, String text) {
  private static final int BYTES_MAX = 4 << 20;

  /** Reads the whole file, at most 4 MiB of UTF-8. */
  static KeyFile read(Path path) throws NbdConnectException {
    byte[] bytes;
    try (var in = Files.newInputStream(path)) {
      bytes = in.readNBytes(BYTES_MAX + 1);
    } catch (NoSuchFileException e) {
      throw broken(path, "there is no such file", e);
    } catch (AccessDeniedException e) {
      throw broken(path, "the file may not be read", e);
    } catch (IOException e) {
      throw broken(path, "the file cannot be read: " + e.getMessage(), e);
    }
    if (bytes.length > BYTES_MAX) {
      throw broken(path, "the file is longer than " + BYTES_MAX + " bytes", null);
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return new KeyFile(path, text);
    } catch (CharacterCodingException e) {
      throw broken(path, "the file is not text", e);
    }
  }

  NbdConnectException broken(String what, @Nullable Throwable cause) {
    return broken(path, what, cause);
  }

  static NbdConnectException broken(Path path, String what, @Nullable Throwable cause) {
    return new NbdConnectException(path + ": " + what, cause);
  }

  /** Not its content, which may be a key. */
  @Override
  public String toString() {
    return path.toString();
  }
}
