package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdConnectException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A file of lines USERNAME:HEXKEY, as GnuTLS's psktool writes them. */
final class PskFile {
  private static final int KEY_BYTES_MAX = 1024;

  private final KeyFile file;
  private final Map<String, String> hexKeys;

  /**
   * One user's key.
   *
   * @param hex the key, two digits for each byte
   */
  record Entry(String username, String hex) {
    byte[] key() {
      return HexFormat.of().parseHex(hex);
    }

    /** Not its key. */
    @Override
    public String toString() {
      return username;
    }
  }

  private PskFile(KeyFile file, Map<String, String> hexKeys) {
    this.file = file;
    this.hexKeys = hexKeys;
  }

  static PskFile read(Path path) throws NbdConnectException {
    KeyFile file = KeyFile.read(path);
    Map<String, String> hexKeys = new LinkedHashMap<>();
    List<String> lines = file.text().lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty()) {
        continue;
      }
      int colon = line.indexOf(':');
      if (colon < 1) {
        throw file.broken("line " + (i + 1) + " is not USERNAME:HEXKEY", null);
      }
      // The first line of a user counts, as in libnbd.
      hexKeys.putIfAbsent(line.substring(0, colon), line.substring(colon + 1));
    }
    if (hexKeys.isEmpty()) {
      throw file.broken("there is no line USERNAME:HEXKEY in the file", null);
    }
    return new PskFile(file, hexKeys);
  }

  /**
   * The key to use.
   *
   * @param wanted who; if empty, {@code localUser} if the file has a key for it, else the only user
   *     in the file
   */
  Entry find(Optional<String> wanted, String localUser) throws NbdConnectException {
    String username = wanted.orElse(localUser);
    if (wanted.isEmpty() && hexKeys.size() == 1) {
      username = hexKeys.keySet().iterator().next();
    }
    String hex = hexKeys.get(username);
    if (hex == null) {
      String hint = wanted.isPresent() ? "" : "; name one of its users in the URI, as nbds://USER@";
      throw file.broken("there is no key for user '" + username + "' in the file" + hint, null);
    }
    return entry(username, hex);
  }

  private Entry entry(String username, String hex) throws NbdConnectException {
    if (!hex.matches("([0-9a-fA-F]{2})+") || hex.length() > 2 * KEY_BYTES_MAX) {
      throw file.broken(
          "the key of user '" + username + "' is not 1.." + KEY_BYTES_MAX + " bytes in hex digits",
          null);
    }
    return new Entry(username, hex);
  }

  /** All users' keys, by their names. */
  Map<String, Entry> entries() throws NbdConnectException {
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (Map.Entry<String, String> user : hexKeys.entrySet()) {
      entries.put(user.getKey(), entry(user.getKey(), user.getValue()));
    }
    return entries;
  }
}
