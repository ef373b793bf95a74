package io.nbdvault.chunkstore.key;

import java.nio.charset.StandardCharsets;
import java.time.Instant;

/**
 * One of the ways to unlock a repository, as far as everybody may know it.
 *
 * @param number 1 to {@link #NUMBER_MAX}
 * @param kind what opens it
 * @param label what somebody called it: at most {@link #LABEL_LENGTH_MAX} characters, none of them
 *     a control character or half of one
 * @param created when it was made, or its passphrase last changed
 */
public record KeySlot(int number, SlotKind kind, String label, Instant created) {
  /** Highest number of a slot, and so most slots of a repository. */
  public static final int NUMBER_MAX = 16;

  /** Most slots of the kind {@link SlotKind#PASSPHRASE}: a wrong one is tried on all of them. */
  public static final int PASSPHRASES_MAX = 8;

  /** Most characters of a label. */
  public static final int LABEL_LENGTH_MAX = 64;

  /** Checks the bounds given above. */
  public KeySlot {
    if (number < 1 || number > NUMBER_MAX) {
      throw new IllegalArgumentException(
          "key slot: " + number + " (expected: 1 to " + NUMBER_MAX + ")");
    }
    if (label.length() > LABEL_LENGTH_MAX
        || label.chars().anyMatch(Character::isISOControl)
        || !StandardCharsets.UTF_8.newEncoder().canEncode(label)) {
      throw new IllegalArgumentException(
          "label of key slot "
              + number
              + ": "
              + label.length()
              + " characters (expected: <= "
              + LABEL_LENGTH_MAX
              + ", none of them a control character or half of one)");
    }
  }
}
