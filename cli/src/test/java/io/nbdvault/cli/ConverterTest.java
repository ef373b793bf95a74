package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.source.BackupRequest.Image;
import io.nbdvault.engine.source.BackupRequest.NbdExport;
import io.nbdvault.nbd.NbdUri;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class ConverterTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "65536, 65536",
    "64K, 65536",
    "64k, 65536",
    "10M, 10485760",
    "1G, 1073741824",
    "2T, 2199023255552",
    "9223372036854775807, 9223372036854775807"
  })
  void readsBytesInPowersOf1024(String text, long bytes) {
    assertThat(new ByteSizeConverter().convert(text)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "K", "-1", "1.5G", "64KB", "64 K", "9223372036854775808", "8388608T", "1P"})
  void refusesWhatIsNoNumberOfBytes(String text) {
    assertThatThrownBy(() -> new ByteSizeConverter().convert(text))
        .isInstanceOf(TypeConversionException.class)
        .hasMessageStartingWith("'" + text + "' is not a number of bytes");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "vda=/vm/a.qcow2,format=qcow2|vda|/vm/a.qcow2|qcow2",
        "vda=a,b.raw,format=raw|vda|a,b.raw|raw",
        "vda=a=b.raw,format=raw|vda|a=b.raw|raw",
        "vda=a,format=raw,format=qcow2|vda|a,format=raw|qcow2"
      })
  void readsAnImageWithAnyFileName(String text, String name, String file, String format) {
    assertThat(new ImageConverter().convert(text))
        .isEqualTo(new Image(name, Path.of(file), format));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/vm/a.qcow2",
        "vda=/vm/a.qcow2",
        "=/vm/a.qcow2,format=raw",
        "vda=,format=raw",
        "vda=/vm/a,format=",
        "vda=/vm/a,format=vmdk",
        "vda=/vm/a,format=RAW",
        "vda=/vm/a,format=raw,size=3",
        "vda=/vm/a\0,format=raw"
      })
  void refusesAnImageWithoutNameFileOrKnownFormat(String text) {
    assertThatThrownBy(() -> new ImageConverter().convert(text))
        .isInstanceOf(TypeConversionException.class);
  }

  @Test
  void readsAnExport() {
    assertThat(new NbdExportConverter().convert("vda=nbd+unix:///x?socket=/run/s"))
        .isEqualTo(new NbdExport("vda", NbdUri.unix(Path.of("/run/s"), "x")));
    assertThat(new NbdExportConverter().convert("vdb=nbd://h:1/a=b"))
        .isEqualTo(new NbdExport("vdb", NbdUri.tcp("h", 1, "a=b")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "vda", "nbd://h/", "nbd+unix:///?socket=/run/s", "=nbd://h/"})
  void refusesAnExportWithoutAName(String text) {
    assertThatThrownBy(() -> new NbdExportConverter().convert(text))
        .isInstanceOf(TypeConversionException.class)
        .hasMessageContaining("is not of the form NAME=URI");
  }

  @Test
  void saysWhatIsWrongWithAnNbdUri() {
    assertThatThrownBy(() -> new NbdExportConverter().convert("vda=http://h/"))
        .isInstanceOf(TypeConversionException.class)
        .hasMessageContaining("http");
  }

  @Test
  void readsTags() {
    Tag.Converter converter = new Tag.Converter();

    assertThat(converter.convert("a=b=c")).isEqualTo(new Tag("a", "b=c"));
    assertThat(converter.convert("a=")).isEqualTo(new Tag("a", ""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "=b", "a=b\nc"})
  void refusesWhatIsNoTag(String text) {
    assertThatThrownBy(() -> new Tag.Converter().convert(text))
        .isInstanceOf(TypeConversionException.class);
  }
}
