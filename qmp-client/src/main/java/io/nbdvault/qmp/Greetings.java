package io.nbdvault.qmp;

import com.fasterxml.jackson.databind.JsonNode;

/** Reads QMP's greeting, and recognises who else may have greeted. */
final class Greetings {
  private Greetings() {}

  /** Parses the first object of a session. */
  static QmpGreeting parse(JsonNode message) throws QmpProtocolException {
    JsonNode version = message.path("QMP").path("version");
    if (!version.path("qemu").path("major").isInt()) {
      throw new QmpProtocolException("first object: " + PendingCommands.describe(message));
    }
    return QmpGreeting.parse(version);
  }

  /** Says what sent the given text in place of a greeting. */
  static String describe(String text) {
    if (text.contains("NBDMAGIC")) {
      return "an NBD server";
    }
    if (text.contains("monitor - type 'help'")) {
      return "a human monitor (HMP); QMP needs -qmp or mode=control";
    }
    if (text.contains("\"return\"") || text.contains("\"error\"")) {
      return "a guest agent";
    }
    return "something else, it says: " + text;
  }
}
