package io.nbdvault.chunkstore;

import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Something that is stored is missing, cannot be read, or is not what it should be. */
public final class DamagedException extends StoreException {
  private static final long serialVersionUID = 1;
  private static final long UNKNOWN = -1;

  private final String what;
  private final long ordinal;
  private final String reason;
  private final transient @Nullable DamagedContent content;

  /**
   * Makes the exception.
   *
   * @param what what is damaged, such as {@code chunk} with its id
   * @param ordinal the record's ordinal, if it has one that is known
   * @param reason what was found to be wrong
   * @param cause what reported it, or null
   */
  public DamagedException(
      String what, OptionalLong ordinal, String reason, @Nullable Throwable cause) {
    this(what, ordinal, reason, null, cause);
  }

  private DamagedException(
      String what,
      OptionalLong ordinal,
      String reason,
      @Nullable DamagedContent content,
      @Nullable Throwable cause) {
    super(message(what, ordinal, reason), cause);
    this.what = what;
    this.ordinal = ordinal.orElse(UNKNOWN);
    this.reason = reason;
    this.content = content;
  }

  /**
   * Makes the exception for a chunk or a node.
   *
   * @param cause what reported it, or null
   */
  public static DamagedException of(DamagedContent content, @Nullable Throwable cause) {
    String what = (content.isNode() ? "node " : "chunk ") + content.id();
    return new DamagedException(what, content.ordinal(), content.reason(), content, cause);
  }

  /** The chunk or node that is damaged, if it is one: then it can be flagged. */
  public Optional<DamagedContent> content() {
    return Optional.ofNullable(content);
  }

  /** What is damaged. */
  public String what() {
    return what;
  }

  /** The record's ordinal, if it has one that is known. */
  public OptionalLong ordinal() {
    return ordinal == UNKNOWN ? OptionalLong.empty() : OptionalLong.of(ordinal);
  }

  /** What was found to be wrong. */
  public String reason() {
    return reason;
  }

  private static String message(String what, OptionalLong ordinal, String reason) {
    String place = ordinal.isPresent() ? " at ordinal " + ordinal.getAsLong() : "";
    return "Damaged: " + what + place + ": " + reason;
  }
}
