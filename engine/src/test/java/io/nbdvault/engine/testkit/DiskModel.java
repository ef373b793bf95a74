package io.nbdvault.engine.testkit;

import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What a disk holds, byte for byte, kept beside the disk: each write goes to both. What a restore
 * gives back is compared with a copy of this, never with the disk itself.
 */
public final class DiskModel {
  private byte[] content;

  public DiskModel(int sizeBytes) {
    this.content = new byte[sizeBytes];
  }

  public int sizeBytes() {
    return content.length;
  }

  /** Writes through the guest's device and notes it. */
  public void write(QemuVm vm, String disk, int offset, int length, int pattern)
      throws IOException {
    vm.guestWrite(disk, offset, length, pattern);
    note(offset, length, pattern);
  }

  /** Writes zeroes through the guest's device and notes it. */
  public void writeZeroes(QemuVm vm, String disk, int offset, int length) throws IOException {
    vm.guestWriteZeroes(disk, offset, length);
    note(offset, length, 0);
  }

  /** Notes a write that something else has made. */
  public void note(int offset, int length, int pattern) {
    Arrays.fill(content, offset, offset + length, (byte) pattern);
  }

  /** Notes content that something else has put there. */
  public void note(int offset, byte[] bytes) {
    System.arraycopy(bytes, 0, content, offset, bytes.length);
  }

  /** Notes another size; what is new reads as zeroes. */
  public void resize(int sizeBytes) {
    content = Arrays.copyOf(content, sizeBytes);
  }

  /** The content as it is now. */
  public byte[] copy() {
    return content.clone();
  }

  /** The first byte in which a file differs from {@code expected}, or -1. */
  public static long firstDifference(Path file, byte[] expected) throws IOException {
    byte[] found = Files.readAllBytes(file);
    int difference = Arrays.mismatch(found, expected);
    return difference;
  }
}
