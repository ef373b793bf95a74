package io.nbdvault.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class BlockRangeTest {
  @Test
  void widensToWholeBlocksWithinTheExport() {
    ExportInfo export = export(10_000, 4096);
    assertThat(BlockRange.of(export, 4095, 2)).isEqualTo(new BlockRange(4095, 2, 0, 8192));
    assertThat(BlockRange.of(export, 4096, 4096)).isEqualTo(new BlockRange(4096, 4096, 4096, 8192));
    assertThat(BlockRange.of(export, 9999, 1)).isEqualTo(new BlockRange(9999, 1, 8192, 10_000));
  }

  @Test
  void widensNearTheLargestSizeWithoutOverflow() {
    ExportInfo export = export(Long.MAX_VALUE, 65536);
    BlockRange range = BlockRange.of(export, Long.MAX_VALUE - 1, 1);
    assertThat(range.widenedEndBytes()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void refusesWhatIsNotWithinTheExport() {
    ExportInfo export = export(10_000, 1);
    for (long[] range :
        new long[][] {{-1, 1}, {0, 0}, {0, 10_001}, {10_000, 1}, {1, Long.MAX_VALUE}}) {
      assertThatThrownBy(() -> BlockRange.of(export, range[0], range[1]))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static ExportInfo export(long sizeBytes, int minimumBlockBytes) {
    return ExportInfo.ofWire(
        sizeBytes,
        NbdProtocol.FLAG_HAS_FLAGS,
        new BlockSizes(minimumBlockBytes, 65536, 1 << 20),
        HeaderStyle.STRUCTURED,
        List.of(),
        Optional.empty());
  }
}
