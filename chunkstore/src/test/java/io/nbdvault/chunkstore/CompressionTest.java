package io.nbdvault.chunkstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CompressionTest {
  @ParameterizedTest
  @CsvSource({
    "lz4, LZ4, 0, lz4",
    "LZ4, LZ4, 0, lz4",
    "none, NONE, 0, none",
    "zstd, ZSTD, 3, zstd:3",
    "zstd:1, ZSTD, 1, zstd:1",
    "Zstd:19, ZSTD, 19, zstd:19"
  })
  void readsItsTextForm(String text, Codec codec, int level, String again) {
    Compression compression = Compression.parse(text);
    assertThat(compression).isEqualTo(new Compression(codec, level));
    assertThat(compression).hasToString(again);
    assertThat(Compression.parse(again)).isEqualTo(compression);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "lz4:1",
        "none:0",
        "zstd:",
        "zstd:0",
        "zstd:20",
        "zstd:-1",
        "zstd:03",
        "zstd:3 ",
        "zstd:123",
        "gzip",
        "zstd3",
        "zstd:99999999999999999999"
      })
  void refusesEverythingElseWithWhatItExpects(String text) {
    assertThatThrownBy(() -> Compression.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "compression: "
                + text
                + " (expected: lz4, none, zstd or zstd:LEVEL with a level of 1 to 19)");
  }

  @Test
  void refusesALevelThatTheCodecDoesNotHave() {
    assertThatThrownBy(() -> new Compression(Codec.LZ4, 1)).hasMessageContaining("expected: 0");
    assertThatThrownBy(() -> Compression.zstd(0)).hasMessageContaining("expected: 1 to 19");
    assertThatThrownBy(() -> Compression.zstd(20)).hasMessageContaining("expected: 1 to 19");
  }
}
