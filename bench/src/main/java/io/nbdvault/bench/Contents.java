package io.nbdvault.bench;

import java.nio.charset.StandardCharsets;
import java.util.Random;

/** What the chunks of benchmarks hold, the same in every run. */
final class Contents {
  /** Bytes of a chunk. */
  static final int CHUNK_BYTES = 64 << 10;

  private static final int WORDS = 2000;

  private Contents() {}

  /**
   * One chunk.
   *
   * @param kind {@code random}, which no codec makes smaller, or {@code text}: words, some of which
   *     come often and most rarely, of which LZ4 leaves 52% and zstd at level 3 leaves 37%
   */
  static byte[] of(String kind) {
    Random random = new Random(1);
    return switch (kind) {
      case "random" -> {
        byte[] chunk = new byte[CHUNK_BYTES];
        random.nextBytes(chunk);
        yield chunk;
      }
      case "text" -> text(random);
      default -> throw new IllegalArgumentException("content: " + kind);
    };
  }

  private static byte[] text(Random random) {
    String[] words = new String[WORDS];
    for (int i = 0; i < words.length; i++) {
      StringBuilder word = new StringBuilder();
      for (int letters = 2 + random.nextInt(8); letters > 0; letters--) {
        word.append((char) ('a' + random.nextInt(26)));
      }
      words[i] = word.append(' ').toString();
    }
    StringBuilder text = new StringBuilder();
    while (text.length() < CHUNK_BYTES) {
      double place = random.nextDouble();
      text.append(words[(int) (place * place * place * WORDS)]);
    }
    text.setLength(CHUNK_BYTES);
    return text.toString().getBytes(StandardCharsets.US_ASCII);
  }
}
