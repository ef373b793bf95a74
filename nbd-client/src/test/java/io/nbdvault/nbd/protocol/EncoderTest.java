package io.nbdvault.nbd.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.List;
import org.junit.jupiter.api.Test;

final class EncoderTest {
  private final ByteBuf out = Unpooled.buffer();

  @Test
  void writesRequestHeaders() {
    RequestEncoder.encode(
        out, HeaderStyle.STRUCTURED, 4, Command.READ, 0x0102030405060708L, 1L << 40, 0xffffffffL);
    assertThat(ByteBufUtil.hexDump(out))
        .isEqualTo("25609513" + "0004" + "0000" + "0102030405060708" + "0000010000000000ffffffff");
  }

  @Test
  void writesExtendedHeadersAndSaysThatWriteHasAPayload() {
    RequestEncoder.encode(out, HeaderStyle.EXTENDED, 1, Command.WRITE, 5, 6, 7);
    RequestEncoder.encode(out, HeaderStyle.EXTENDED, 0, Command.TRIM, 5, 6, 1L << 40);
    assertThat(ByteBufUtil.hexDump(out))
        .isEqualTo(
            "21e41c71"
                + "0021"
                + "0001"
                + "0000000000000005"
                + "0000000000000006"
                + "0000000000000007"
                + "21e41c71"
                + "0000"
                + "0004"
                + "0000000000000005"
                + "0000000000000006"
                + "0000010000000000");
  }

  @Test
  void refusesLengthsOver32Bits() {
    assertThatThrownBy(
            () -> RequestEncoder.encode(out, HeaderStyle.SIMPLE, 0, Command.TRIM, 0, 0, 1L << 32))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void writesGoWithInformationTypes() {
    OptionEncoder.goOrInfo(out, NbdProtocol.OPT_GO, "ab", NbdProtocol.INFO_BLOCK_SIZE);
    assertThat(ByteBufUtil.hexDump(out))
        .isEqualTo("49484156454f5054" + "00000007" + "0000000a" + "000000026162" + "0001" + "0003");
  }

  @Test
  void writesMetaContextQueries() {
    OptionEncoder.metaContext(out, NbdProtocol.OPT_SET_META_CONTEXT, "", List.of("x:y", "z:"));
    assertThat(ByteBufUtil.hexDump(out))
        .isEqualTo(
            "49484156454f5054"
                + "0000000a"
                + "00000015"
                + "00000000"
                + "00000002"
                + "00000003783a79"
                + "000000027a3a");
  }

  @Test
  void writesExportNameAndPlainOptions() {
    OptionEncoder.clientFlags(out, 3);
    OptionEncoder.exportName(out, "d");
    OptionEncoder.plain(out, NbdProtocol.OPT_ABORT);
    assertThat(ByteBufUtil.hexDump(out))
        .isEqualTo(
            "00000003" + "49484156454f5054000000010000000164" + "49484156454f50540000000200000000");
  }
}
