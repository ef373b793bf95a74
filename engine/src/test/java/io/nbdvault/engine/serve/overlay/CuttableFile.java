package io.nbdvault.engine.serve.overlay;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A file in memory that knows what a power cut would leave of it. */
final class CuttableFile implements DurableFile {
  /** Is told before each step that a power cut may precede. */
  interface Observer {
    void beforeStep();
  }

  private static final class Write {
    private final int position;
    private final byte[] bytes;

    Write(int position, byte[] bytes) {
      this.position = position;
      this.bytes = bytes;
    }
  }

  private final byte[] durable;
  private final byte[] current;
  private final List<Write> pending = new ArrayList<>();
  private Observer observer = () -> {};
  private boolean forceFails;

  CuttableFile(long bytes) {
    durable = new byte[(int) bytes];
    current = new byte[(int) bytes];
  }

  private CuttableFile(byte[] content) {
    durable = content;
    current = content.clone();
  }

  void observe(Observer next) {
    observer = next;
  }

  void failForces() {
    forceFails = true;
  }

  /** What a cut now leaves: of each write since the last force all, nothing, or some parts. */
  CuttableFile afterCut(Random random) {
    byte[] left = durable.clone();
    int kind = random.nextInt(4);
    for (Write write : pending) {
      switch (kind) {
        case 0 -> {}
        case 1 -> apply(left, write, 0, write.bytes.length);
        default -> {
          for (int from = 0; from < write.bytes.length; from += 512) {
            if (random.nextBoolean()) {
              apply(left, write, from, Math.min(write.bytes.length, from + 512));
            }
          }
        }
      }
    }
    return new CuttableFile(left);
  }

  /** What a killed process leaves: all that was written. */
  CuttableFile afterKill() {
    return new CuttableFile(current.clone());
  }

  private static void apply(byte[] target, Write write, int from, int end) {
    System.arraycopy(write.bytes, from, target, write.position + from, end - from);
  }

  @Override
  public void read(long positionBytes, ByteBuffer destination) {
    destination.put(current, (int) positionBytes, destination.remaining());
  }

  @Override
  public void write(long positionBytes, ByteBuffer source) {
    observer.beforeStep();
    byte[] bytes = new byte[source.remaining()];
    source.get(bytes);
    Write write = new Write((int) positionBytes, bytes);
    pending.add(write);
    apply(current, write, 0, bytes.length);
  }

  @Override
  public void force() throws IOException {
    observer.beforeStep();
    if (forceFails) {
      throw new IOException("medium error");
    }
    for (Write write : pending) {
      apply(durable, write, 0, write.bytes.length);
    }
    pending.clear();
    if (!Arrays.equals(durable, current)) {
      throw new IllegalStateException("durable is not what was written");
    }
  }

  @Override
  public void close() {}
}
