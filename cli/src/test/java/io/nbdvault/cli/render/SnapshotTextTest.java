package io.nbdvault.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.SnapshotState;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import org.junit.jupiter.api.Test;

class SnapshotTextTest {
  @Test
  void listsSnapshotsAsATable() {
    List<String> lines =
        SnapshotTable.lines(
            List.of(SampleSnapshots.kept(SampleSnapshots.ordinary())), SampleSnapshots.ZONE);

    assertThat(lines)
        .containsExactly(
            "ID       VM   TIME +0100          DISKS SIZE READ NEW STATE TAGS",
            "1a2b3c4d web1 2026-01-31 03:00:00     2  11G  11M  4M crash reason=nightly");
  }

  @Test
  void givesEachTimeItsOffsetWhereTheyDiffer() {
    List<CatalogEntry> entries =
        List.of(
            SampleSnapshots.kept(SampleSnapshots.ordinary(Instant.parse("2026-10-25T00:30:05Z"))),
            SampleSnapshots.kept(SampleSnapshots.ordinary(Instant.parse("2026-10-25T01:30:05Z"))),
            new CatalogEntry(SampleSnapshots.extreme(), SnapshotState.PROTECTED));

    List<String> lines = SnapshotTable.lines(entries, ZoneId.of("Europe/Berlin"));

    assertThat(lines.get(0)).contains(" TIME ").doesNotContain("TIME +");
    assertThat(lines.get(1)).contains(" 2026-10-25 02:30:05 +0200 ");
    assertThat(lines.get(2)).contains(" 2026-10-25 02:30:05 +0100 ");
    assertThat(lines).allSatisfy(SnapshotTextTest::fits);
  }

  @Test
  void listsAnySnapshotWithin80Columns() {
    List<String> lines =
        SnapshotTable.lines(
            List.of(
                SampleSnapshots.kept(SampleSnapshots.ordinary()),
                SampleSnapshots.kept(SampleSnapshots.extreme())),
            SampleSnapshots.ZONE);

    assertThat(lines).hasSize(3).allSatisfy(SnapshotTextTest::fits);
    assertThat(lines.get(2)).contains("filesystem", "mm..");
  }

  @Test
  void sumsUpABackupDiskByDisk() {
    List<String> lines = BackupSummary.lines(SampleSnapshots.ordinary(), SampleSnapshots.ZONE);

    assertThat(lines)
        .containsExactly(
            "snapshot 1a2b3c4d of web1",
            "2026-01-31 03:00:00 +0100, as after a power cut, took 12 s",
            "DISK  HOW     SIZE READ DIRTY NEW DEDUP STORED",
            "vda   changes  10G  10M   12M  4M    4M   2.0M",
            "vdb   full      1G   1M    1M  0B    0B     0B",
            "total          11G  11M   13M  4M    4M   2.0M");
  }

  @Test
  void sumsUpAnyBackupWithin80Columns() {
    assertThat(BackupSummary.lines(SampleSnapshots.extreme(), SampleSnapshots.ZONE))
        .allSatisfy(SnapshotTextTest::fits);
  }

  @Test
  void showsAllThereIsOfASnapshot() {
    List<String> lines =
        SnapshotDetails.lines(
            SampleSnapshots.kept(SampleSnapshots.ordinary()), SampleSnapshots.ZONE);

    assertThat(lines)
        .contains(
            "snapshot       1a2b3c4d5e6f708192a3b4c5d6e7f809",
            "VM             web1",
            "UUID           b1f6f0aa-7a38-4f8e-9d61-6a3f4c9e0c11",
            "time           2026-01-31 03:00:00 +0100",
            "consistency    crash (as after a power cut)",
            "parent         00112233445566778899aabbccddeeff",
            "tag            reason=nightly",
            "QEMU           7.2.0",
            "configuration  26B of JSON, which --json shows",
            "disk vda",
            "  size         10G (10737418240 bytes)",
            "  how          changes only",
            "  bitmap       nbdvault-cp",
            "  image        /vm/a.qcow2",
            "disk vdb",
            "  because      no bitmap of the last snapshot",
            "  root         none, all zeroes",
            "disk cd0: read-only")
        .allSatisfy(SnapshotTextTest::fits);
  }

  @Test
  void showsNoControlCharacters() {
    assertThat(
            SnapshotDetails.lines(
                SampleSnapshots.kept(SampleSnapshots.extreme()), SampleSnapshots.ZONE))
        .allSatisfy(line -> assertThat(line.chars()).noneMatch(Character::isISOControl))
        .anySatisfy(line -> assertThat(line).endsWith("=line break"));
  }

  private static void fits(String line) {
    assertThat(line).hasSizeLessThanOrEqualTo(80);
  }
}
