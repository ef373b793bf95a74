package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.HandshakeMessage;
import io.nbdvault.nbd.protocol.WireString;
import java.util.List;
import java.util.Optional;

/**
 * All replies to one option.
 *
 * @param name the option's, for messages
 * @param messages at least one; the last is ACK or an error
 */
record HandshakeAnswer(String name, List<HandshakeMessage> messages) {
  HandshakeAnswer {
    messages = List.copyOf(messages);
  }

  /** Whether the server said no. */
  boolean refused() {
    return end() instanceof HandshakeMessage.Refusal;
  }

  /** Whether the server said no in this way, one of {@code NbdProtocol.REP_ERR_…}. */
  boolean refusedWith(int type) {
    return end() instanceof HandshakeMessage.Refusal refusal && refusal.type() == type;
  }

  /**
   * Fails unless the server said yes.
   *
   * @param exportName what it was about, for the message; empty if about nothing in particular
   */
  void require(String exportName) throws NbdServerException {
    if (refused()) {
      throw refusal(exportName);
    }
  }

  /** The server's no, which must be there. */
  NbdServerException refusal(String exportName) {
    HandshakeMessage.Refusal refusal = (HandshakeMessage.Refusal) end();
    String what = exportName.isEmpty() ? "" : " of '" + WireString.escape(exportName) + "'";
    return new NbdServerException(refusal.errno(), name + what + ": " + refusal.reason());
  }

  /** All replies of one kind, in order. */
  <T extends HandshakeMessage> List<T> all(Class<T> kind) {
    return messages.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** The last reply of one kind. */
  <T extends HandshakeMessage> Optional<T> last(Class<T> kind) {
    return all(kind).stream().reduce((first, second) -> second);
  }

  private HandshakeMessage end() {
    return messages.get(messages.size() - 1);
  }
}
