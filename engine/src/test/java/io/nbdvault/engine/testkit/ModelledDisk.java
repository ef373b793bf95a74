package io.nbdvault.engine.testkit;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/**
 * A small disk beside its model, with the random things a guest and its administrator do to it.
 *
 * <p>Discards cover whole 64 KiB clusters, because only of those is it certain what they do: with
 * {@code discard=unmap} they read as zeroes on qcow2 and on a raw file, while parts of clusters
 * stay as they are on qcow2. That it is so is asserted each time by reading the range back.
 */
final class ModelledDisk {
  private static final int SECTOR = 512;
  private static final int CLUSTER = 64 << 10;
  private static final int WRITE_SECTORS_MAX = 600;
  private static final int SIZE_MAX = 12 << 20;

  private final String name;
  private final String format;
  private final Path image;
  private final DiskModel model;

  /** Repositories whose next backup of this disk can only be a full one. */
  private final Set<BackupBench> fullNext = new HashSet<>();

  /** Repositories whose bitmap may still lie in the image, inconsistent since a kill. */
  private final Set<BackupBench> inconsistent = new HashSet<>();

  /** Creates the image; its size is often no multiple of 64 KiB. */
  ModelledDisk(Path directory, String name, String format, Random random) throws IOException {
    this.name = name;
    this.format = format;
    this.image = directory.resolve(name + "." + format);
    int size = (4 << 20) + random.nextInt(4 << 20) / SECTOR * SECTOR;
    this.model = new DiskModel(random.nextBoolean() ? size : size / CLUSTER * CLUSTER);
    QemuImg.create(image, format, model.sizeBytes());
  }

  String name() {
    return name;
  }

  String format() {
    return format;
  }

  Path image() {
    return image;
  }

  byte[] copy() {
    return model.copy();
  }

  /** Notes that what the bitmaps know is lost for these repositories. */
  void loseBitmaps(Iterable<BackupBench> repositories) {
    repositories.forEach(fullNext::add);
  }

  /** Notes that QEMU was killed. */
  void killed(Iterable<BackupBench> repositories) {
    repositories.forEach(inconsistent::add);
    loseBitmaps(repositories);
  }

  void backedUp(BackupBench repository) {
    fullNext.remove(repository);
    inconsistent.remove(repository);
  }

  boolean mustBeFull(BackupBench repository) {
    return fullNext.contains(repository);
  }

  /** Whether a QEMU that ends in an orderly way keeps this disk's bitmaps. */
  boolean keepsBitmaps() {
    return format.equals("qcow2");
  }

  String write(QemuVm vm, Random random) throws IOException {
    int length = SECTOR * (1 + random.nextInt(WRITE_SECTORS_MAX));
    int offset = offset(random, length);
    int pattern = 1 + random.nextInt(255);
    model.write(vm, name, offset, length, pattern);
    return "write " + name + " " + offset + "+" + length + " of " + pattern;
  }

  String writeZeroes(QemuVm vm, Random random) throws IOException {
    int length = SECTOR * (1 + random.nextInt(2 * WRITE_SECTORS_MAX));
    int offset = offset(random, length);
    model.writeZeroes(vm, name, offset, length);
    return "zeroes " + name + " " + offset + "+" + length;
  }

  String discard(QemuVm vm, Random random) throws IOException {
    int clusters = model.sizeBytes() / CLUSTER;
    int first = random.nextInt(clusters);
    int count = 1 + random.nextInt(Math.min(clusters - first, 16));
    vm.guestDiscard(name, (long) first * CLUSTER, (long) count * CLUSTER);
    vm.guestRead(name, (long) first * CLUSTER, (long) count * CLUSTER, 0);
    model.note(first * CLUSTER, count * CLUSTER, 0);
    return "discard " + name + " " + count + " clusters from " + first;
  }

  /** A multiple of a sector, so that every kind of end comes up. */
  private int offset(Random random, int length) {
    return random.nextInt((model.sizeBytes() - length) / SECTOR + 1) * SECTOR;
  }

  /**
   * Grows the disk under its running guest; what is new reads as zeroes. QEMU refuses that for an
   * image with an inconsistent bitmap, which the next backup to the same repository removes.
   */
  String grow(QemuVm vm, Random random, Iterable<BackupBench> repositories) throws IOException {
    int size = model.sizeBytes() + SECTOR * (1 + random.nextInt(2_000));
    if (size > SIZE_MAX) {
      return "no growing of " + name;
    }
    try {
      var unused =
          vm.testMonitor()
              .execute(
                  "block_resize",
                  JsonNodeFactory.instance
                      .objectNode()
                      .put("node-name", QemuVm.nodeName(name))
                      .put("size", size));
    } catch (QmpCommandException refused) {
      if (inconsistent.isEmpty()
          || !String.valueOf(refused.getMessage()).contains("inconsistent")) {
        throw refused;
      }
      return "no growing of " + name + ", which has an inconsistent bitmap";
    }
    model.resize(size);
    loseBitmaps(repositories);
    return "grow " + name + " to " + size;
  }
}
