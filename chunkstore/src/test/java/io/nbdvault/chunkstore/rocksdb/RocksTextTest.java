package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Messages as RocksDB has given them. */
class RocksTextTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Corruption: block checksum mismatch: stored(context removed) = 2513020371, computed = 1, \
          type = 4 in d1/db.repairing/000018.sst offset 459354 size 65617, block_type = Data \
          | block checksum mismatch in file 000018.sst
          block checksum mismatch: stored(context removed) = 2, computed = 1 in d.1/db/000018.sst \
          | block checksum mismatch in file 000018.sst
          Corruption: IO error: No such file or directory: While open a file for random read: \
          d4/db/000018.sst: No such file or directory The file d4/db/MANIFEST-000264 may be \
          corrupted. | file 000018.sst is missing
          While opening a file for sequentially reading: d3/db/MANIFEST-000264: No such file or \
          directory | file MANIFEST-000264 is missing
          d3/db/CURRENT: does not exist (create_if_missing is false) | file CURRENT is missing
          While open a file for random read: /x: No such file or directory | a file is missing
          Corruption: file is too short (12 bytes) to be an sstable: d3/db/000009.sst \
          | file is too short (12 bytes) to be an sstable: 000009.sst
          Corruption: bad record header | bad record header
          """)
  void saysWhatIsWrongWithWhichFile(String message, String brief) {
    assertThat(RocksText.brief(message)).isEqualTo(brief);
  }

  @ParameterizedTest
  @CsvSource({"''", "' '", ","})
  void saysThatThereIsNoReason(String message) {
    assertThat(RocksText.brief(message)).isEqualTo("RocksDB gives no reason");
  }
}
