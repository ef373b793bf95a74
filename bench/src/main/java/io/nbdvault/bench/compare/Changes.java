package io.nbdvault.bench.compare;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Writes to random places of a disk image, and leaves each write as a file, so that the same can be
 * written to the same disk of a virtual machine: {@code Changes SOURCE TARGET DIRECTORY SEED COUNT
 * BYTES}. The directory gets a file for each write, called by its number, and {@code list}, a line
 * {@code OFFSET FILE} for each.
 *
 * <p>What is written is made of blocks of the source in a random order, none of them all zeros: it
 * compresses as real data does, and no backup program finds a chunk of it that it knows.
 */
final class Changes {
  private static final int BLOCK_BYTES = 4096;
  // Of the blocks of a sparse image most are zeros; far more tries than that takes.
  private static final int TRIES_MAX = 100_000;

  private final RandomAccessFile source;
  private final Random random;

  private Changes(RandomAccessFile source, long seed) {
    this.source = source;
    this.random = new Random(seed);
  }

  public static void main(String[] args) throws IOException {
    if (args.length != 6) {
      throw new IllegalArgumentException(
          "arguments: " + args.length + " (expected: SOURCE TARGET DIRECTORY SEED COUNT BYTES)");
    }
    Path directory = Files.createDirectories(Path.of(args[2]));
    int bytes = Integer.parseInt(args[5]);
    if (bytes <= 0 || bytes % BLOCK_BYTES != 0) {
      throw new IllegalArgumentException(
          "bytes: " + bytes + " (expected: a multiple of " + BLOCK_BYTES + ")");
    }
    try (RandomAccessFile source = new RandomAccessFile(args[0], "r");
        RandomAccessFile target = new RandomAccessFile(args[1], "rw")) {
      new Changes(source, Long.parseLong(args[3]))
          .write(target, directory, Integer.parseInt(args[4]), bytes);
    }
  }

  private void write(RandomAccessFile target, Path directory, int count, int bytes)
      throws IOException {
    long places = target.length() / bytes;
    if (count > places) {
      throw new IllegalArgumentException("count: " + count + " (expected: <= " + places + ")");
    }
    List<String> list = new ArrayList<>();
    Set<Long> taken = new HashSet<>();
    while (list.size() < count) {
      long offset = random.nextLong(places) * bytes;
      if (!taken.add(offset)) {
        continue;
      }
      byte[] content = content(bytes);
      Path file = directory.resolve(Integer.toString(list.size()));
      Files.write(file, content);
      target.seek(offset);
      target.write(content);
      list.add(offset + " " + file);
    }
    Files.write(directory.resolve("list"), list);
  }

  private byte[] content(int bytes) throws IOException {
    byte[] content = new byte[bytes];
    for (int at = 0; at < bytes; at += BLOCK_BYTES) {
      System.arraycopy(someBlock(), 0, content, at, BLOCK_BYTES);
    }
    return content;
  }

  private byte[] someBlock() throws IOException {
    byte[] zeros = new byte[BLOCK_BYTES];
    byte[] block = new byte[BLOCK_BYTES];
    for (int tries = 0; tries < TRIES_MAX; tries++) {
      source.seek(random.nextLong(source.length() / BLOCK_BYTES) * BLOCK_BYTES);
      source.readFully(block);
      if (!Arrays.equals(block, zeros)) {
        return block;
      }
    }
    throw new IOException("nothing but zeros was found in " + TRIES_MAX + " blocks of the source");
  }
}
