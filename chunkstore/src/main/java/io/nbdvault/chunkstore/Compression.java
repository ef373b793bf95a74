package io.nbdvault.chunkstore;

import java.util.Locale;

/**
 * A codec and how hard it is to try. What does not get smaller is stored as it is, whatever the
 * codec.
 *
 * @param codec the codec
 * @param level for zstd {@link #ZSTD_LEVEL_MIN} to {@link #ZSTD_LEVEL_MAX}; 0 for the codecs that
 *     have none
 */
public record Compression(Codec codec, int level) {
  /** The fastest level of zstd. */
  public static final int ZSTD_LEVEL_MIN = 1;

  /** The slowest level of zstd: those above need much more memory to read back, too. */
  public static final int ZSTD_LEVEL_MAX = 19;

  /** The level of zstd where none is named. */
  public static final int ZSTD_LEVEL_DEFAULT = 3;

  /** No compression. */
  public static final Compression NONE = new Compression(Codec.NONE, 0);

  /** LZ4, the default. */
  public static final Compression LZ4 = new Compression(Codec.LZ4, 0);

  private static final String EXPECTED =
      " (expected: lz4, none, zstd or zstd:LEVEL with a level of "
          + ZSTD_LEVEL_MIN
          + " to "
          + ZSTD_LEVEL_MAX
          + ")";

  /** Checks that the codec has the level. */
  public Compression {
    boolean zstd = codec == Codec.ZSTD;
    Checks.that(
        zstd ? level >= ZSTD_LEVEL_MIN && level <= ZSTD_LEVEL_MAX : level == 0,
        "compression level of " + codec,
        level,
        zstd ? ZSTD_LEVEL_MIN + " to " + ZSTD_LEVEL_MAX : "0");
  }

  /** zstd at a level. */
  public static Compression zstd(int level) {
    return new Compression(Codec.ZSTD, level);
  }

  /**
   * Reads the text form: {@code lz4}, {@code none}, {@code zstd} or {@code zstd:LEVEL}.
   *
   * @throws IllegalArgumentException with a sentence for people, if the text is anything else
   */
  public static Compression parse(String text) {
    String name = text.toLowerCase(Locale.ROOT);
    return switch (name) {
      case "lz4" -> LZ4;
      case "none" -> NONE;
      case "zstd" -> zstd(ZSTD_LEVEL_DEFAULT);
      default -> zstd(levelOf(name, text));
    };
  }

  private static int levelOf(String name, String text) {
    if (name.matches("zstd:[1-9][0-9]?")) {
      int level = Integer.parseInt(name.substring("zstd:".length()));
      if (level <= ZSTD_LEVEL_MAX) {
        return level;
      }
    }
    throw new IllegalArgumentException("compression: " + text + EXPECTED);
  }

  /** The text form, which {@link #parse} reads. */
  @Override
  public String toString() {
    String name = codec.name().toLowerCase(Locale.ROOT);
    return codec == Codec.ZSTD ? name + ":" + level : name;
  }
}
