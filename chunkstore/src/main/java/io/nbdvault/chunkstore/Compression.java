package io.nbdvault.chunkstore;

import java.util.Locale;

/**
 * A codec and how hard it is to try. What does not get smaller is stored as it is, whatever the
 * codec.
 *
 * @param codec the codec
 * @param level the codec's level; 0 for the codecs that have none, which today are all
 */
public record Compression(Codec codec, int level) {
  /** No compression. */
  public static final Compression NONE = new Compression(Codec.NONE, 0);

  /** LZ4, the default. */
  public static final Compression LZ4 = new Compression(Codec.LZ4, 0);

  /** Checks that the codec has the level. */
  public Compression {
    Checks.that(level == 0, "compression level of " + codec, level, "0");
  }

  /**
   * Reads the text form: {@code lz4} or {@code none}.
   *
   * @throws IllegalArgumentException with a sentence for people, if the text is anything else
   */
  public static Compression parse(String text) {
    String name = text.toLowerCase(Locale.ROOT);
    if (name.equals("lz4")) {
      return LZ4;
    }
    if (name.equals("none")) {
      return NONE;
    }
    if (name.equals("zstd") || name.startsWith("zstd:")) {
      throw new IllegalArgumentException(
          "compression: " + text + " is not supported by this version (expected: lz4 or none)");
    }
    throw new IllegalArgumentException("compression: " + text + " (expected: lz4 or none)");
  }

  /** The text form, which {@link #parse} reads. */
  @Override
  public String toString() {
    return codec.name().toLowerCase(Locale.ROOT);
  }
}
