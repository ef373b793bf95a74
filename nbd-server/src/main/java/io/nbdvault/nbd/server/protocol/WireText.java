package io.nbdvault.nbd.server.protocol;

import io.nbdvault.nbd.protocol.NbdProtocol;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Texts for a client: whatever they are, what is sent is valid UTF-8 of at most 4096 bytes. */
final class WireText {
  private WireText() {}

  /** The text's bytes, cut between characters; half surrogates and NUL become question marks. */
  static byte[] encode(String text) {
    CharsetEncoder encoder =
        StandardCharsets.UTF_8
            .newEncoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    byte[] bytes = new byte[NbdProtocol.STRING_BYTES_MAX];
    ByteBuffer out = ByteBuffer.wrap(bytes);
    // Overflow cuts between characters.
    var unused = encoder.encode(CharBuffer.wrap(text.replace('\0', '?')), out, true);
    return Arrays.copyOf(bytes, out.position());
  }
}
