package io.nbdvault.chunkstore.rocksdb;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.rocksdb.LiveFileMetaData;

/**
 * How much free space a repair needs, at most. Nothing that it takes out of its copy gives any
 * back: all of that lies in the database still.
 */
final class RepairSpace {
  /** RocksDB's small files, of which the copy has its own, and what is written there. */
  private static final long SMALL_FILES_BYTES = 1 << 20;

  /** What a file has beside its rows. */
  private static final long TABLE_OVERHEAD_BYTES = 16 << 10;

  private RepairSpace() {}

  /**
   * What any copy needs that is written to: rows of the index are made and flagged, which may have
   * RocksDB merge all files of that family.
   */
  static long ofCopy(List<LiveFileMetaData> files) {
    return SMALL_FILES_BYTES + bytes(of(Family.INDEX, files));
  }

  /**
   * What replacing tables needs: a stand-in for each, a file of what it still gives, and then what
   * these are rewritten into, together with whatever has keys between theirs.
   *
   * @param files all that the database's list names
   */
  static long toReplace(List<RepairDiagnosis.BadTable> badTables, List<LiveFileMetaData> files) {
    Set<String> names =
        badTables.stream().map(bad -> bad.file().fileName()).collect(Collectors.toSet());
    long bytes = 0;
    for (RepairDiagnosis.BadTable bad : badTables) {
      bytes += 2 * bad.file().size() + 3 * TABLE_OVERHEAD_BYTES;
    }
    for (Family family : Family.values()) {
      bytes += bytes(rewritten(family, of(family, files), names));
    }
    return bytes;
  }

  /** The index is compacted as a whole; what the two small families have is next to nothing. */
  private static List<LiveFileMetaData> rewritten(
      Family family, List<LiveFileMetaData> files, Set<String> bad) {
    if (files.stream().noneMatch(file -> bad.contains(file.fileName()))) {
      return List.of();
    }
    return family == Family.CHUNK ? reached(files, bad) : files;
  }

  /** Those that are bad, and what has keys in common with them, directly or not. */
  private static List<LiveFileMetaData> reached(List<LiveFileMetaData> files, Set<String> bad) {
    List<LiveFileMetaData> ascending = new ArrayList<>(files);
    ascending.sort(Comparator.comparing(LiveFileMetaData::smallestKey, Arrays::compareUnsigned));
    List<LiveFileMetaData> reached = new ArrayList<>();
    List<LiveFileMetaData> group = new ArrayList<>();
    byte[] largest = new byte[0];
    for (LiveFileMetaData file : ascending) {
      if (Arrays.compareUnsigned(file.smallestKey(), largest) > 0) {
        addIfBad(group, bad, reached);
        group.clear();
      }
      group.add(file);
      if (Arrays.compareUnsigned(file.largestKey(), largest) > 0) {
        largest = file.largestKey();
      }
    }
    addIfBad(group, bad, reached);
    return reached;
  }

  private static void addIfBad(
      List<LiveFileMetaData> group, Set<String> bad, List<LiveFileMetaData> reached) {
    if (group.stream().anyMatch(file -> bad.contains(file.fileName()))) {
      reached.addAll(group);
    }
  }

  private static List<LiveFileMetaData> of(Family family, List<LiveFileMetaData> files) {
    return files.stream()
        .filter(file -> Arrays.equals(file.columnFamilyName(), family.nameBytes()))
        .toList();
  }

  private static long bytes(List<LiveFileMetaData> files) {
    return files.stream().mapToLong(LiveFileMetaData::size).sum();
  }
}
