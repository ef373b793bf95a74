package io.nbdvault.nbd.fuzz;

import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/** URIs as text, and as parts put together: what is written must be read back as the same value. */
public final class UriTarget {
  private UriTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] rest = Arrays.copyOfRange(input, 1, input.length);
    switch (input[0] & 3) {
      case 0, 1 -> text(new String(rest, StandardCharsets.UTF_8));
      case 2 -> tcp(rest);
      default -> unix(rest);
    }
  }

  private static void text(String text) {
    NbdUri uri;
    try {
      uri = NbdUri.parse(text);
    } catch (IllegalArgumentException e) {
      checkRefusal(e);
      return;
    }
    checkRoundTrip(uri);
  }

  /** {@code | port (2) | host, NUL | export name |}. */
  private static void tcp(byte[] parts) {
    FuzzInput choices = new FuzzInput(parts);
    int port = choices.wideChoice();
    String[] words = words(parts, 2);
    boolean secure = (port & 1) != 0;
    try {
      NbdUri uri = NbdUri.tcp(words[0], port, words[1]);
      checkRoundTrip(secure ? uri.withTls(tls(words[1])) : uri);
    } catch (InvalidPathException e) {
      // From Path.of, which is not under test.
      return;
    } catch (IllegalArgumentException e) {
      checkRefusal(e);
    }
  }

  /** {@code | socket, NUL | export name |}. */
  private static void unix(byte[] parts) {
    String[] words = words(parts, 0);
    boolean secure = words[0].length() % 2 == 1;
    try {
      NbdUri uri = NbdUri.unix(Path.of(words[0]), words[1]);
      checkRoundTrip(secure ? uri.withTls(tls(words[0])) : uri);
    } catch (InvalidPathException e) {
      // From Path.of, which is not under test.
      return;
    } catch (IllegalArgumentException e) {
      checkRefusal(e);
    }
  }

  /** Settings made of one text in all the roles it can have. */
  private static TlsSettings tls(String text) {
    if (text.length() % 3 == 0) {
      return new TlsSettings.Psk(Path.of(text), Optional.of(text));
    }
    return new TlsSettings.X509(
        Optional.of(Path.of(text)), Optional.of(text), text.length() % 3 == 1);
  }

  /** UTF-16, so that halves of surrogate pairs occur too. */
  private static String[] words(byte[] parts, int from) {
    StringBuilder text = new StringBuilder();
    for (int i = from; i + 1 < parts.length; i += 2) {
      text.append((char) ((parts[i] & 0xff) << 8 | (parts[i + 1] & 0xff)));
    }
    int nul = text.indexOf("\0");
    return nul < 0
        ? new String[] {text.toString(), ""}
        : new String[] {text.substring(0, nul), text.substring(nul + 1)};
  }

  private static void checkRoundTrip(NbdUri uri) {
    String text = uri.toString();
    NbdUri again;
    try {
      again = NbdUri.parse(text);
    } catch (IllegalArgumentException e) {
      throw new AssertionError("cannot read back " + text, e);
    }
    if (!again.equals(uri)) {
      throw new AssertionError(text + " is read back as " + again);
    }
    if (!again.toString().equals(text)) {
      throw new AssertionError(text + " is written again as " + again);
    }
  }

  /** One sentence of ours, not whatever some method of the library happened to throw. */
  private static void checkRefusal(IllegalArgumentException refusal) {
    String message = refusal.getMessage();
    if (refusal.getClass() != IllegalArgumentException.class
        || message == null
        || message.isBlank()) {
      throw new AssertionError("refused without a sentence", refusal);
    }
  }
}
