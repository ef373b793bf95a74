package io.nbdvault.engine.serve.overlay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.nbdvault.chunkstore.SnapshotId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Power cuts and kills at every step, against a model of what may be there afterwards. */
class OverlayCrashTest {
  private static final int CLUSTER = 4096;
  private static final int SIZE = 9 * CLUSTER + 777;
  private static final OverlayHeader HEADER =
      new OverlayHeader(
          "0123456789abcdef0123456789abcdef", SnapshotId.random(), "vm", "d", SIZE, CLUSTER);

  private final byte[] below = new byte[SIZE];
  private final long seed = Long.getLong("nbdvault.seed", System.nanoTime());
  private final Random random = new Random(seed);

  /** What every byte was at the last flush, and what was put there since. */
  private final byte[] flushed = new byte[SIZE];

  private final byte[] current = new byte[SIZE];

  private record Unflushed(int offset, int length, byte value) {}

  private final List<Unflushed> unflushed = new ArrayList<>();
  private CuttableFile file = new CuttableFile(1);
  private Overlay overlay;
  private int cuts;

  OverlayCrashTest() throws IOException {
    System.out.println("nbdvault.seed=" + seed);
    random.nextBytes(below);
    start();
    overlay = Overlay.open(file);
  }

  private void start() throws IOException {
    file = new CuttableFile(OverlayLayout.of(HEADER).fileBytes());
    Overlay.create(HEADER, file);
    System.arraycopy(below, 0, flushed, 0, SIZE);
    System.arraycopy(below, 0, current, 0, SIZE);
  }

  private void readBelow(long offset, ByteBuffer destination) {
    destination.put(below, (int) offset, destination.remaining());
  }

  private byte[] contentOf(Overlay some) throws IOException {
    byte[] content = new byte[SIZE];
    for (long cluster = 0; cluster < some.clusterCount(); cluster++) {
      int start = (int) cluster * CLUSTER;
      int length = Math.min(CLUSTER, SIZE - start);
      switch (some.run(start, start + length).state()) {
        case BELOW -> System.arraycopy(below, start, content, start, length);
        case DATA -> some.readData(start, ByteBuffer.wrap(content, start, length));
        case ZERO -> {
          // As the array is.
        }
      }
    }
    return content;
  }

  @Test
  void keepsWhatWasFlushedAndNothingStrangeWheneverThePowerGoes() throws IOException {
    file.observe(this::cutAndLook);
    for (int step = 0; step < 400; step++) {
      operate((byte) (1 + random.nextInt(255)));
      cutAndLook();
      if (step % 40 == 39) {
        goOnAfterCut();
      }
    }
    assertThat(cuts).isGreaterThan(800);
    assertThat(contentOf(overlay)).isEqualTo(current);
  }

  /** The power goes, and what is there afterwards is what all begins from. */
  private void goOnAfterCut() throws IOException {
    file = file.afterCut(random);
    file.observe(this::cutAndLook);
    overlay = Overlay.open(file);
    byte[] found = contentOf(overlay);
    System.arraycopy(found, 0, current, 0, SIZE);
    System.arraycopy(found, 0, flushed, 0, SIZE);
    unflushed.clear();
  }

  private void operate(byte value) throws IOException {
    int offset = random.nextInt(SIZE);
    int length = 1 + random.nextInt(Math.min(SIZE - offset, 3 * CLUSTER));
    if (random.nextInt(4) == 0) { // Whole clusters.
      offset = offset / CLUSTER * CLUSTER;
      length = Math.min(SIZE - offset, CLUSTER * (1 + random.nextInt(2)));
    }
    switch (random.nextInt(6)) {
      case 0 -> {
        note(offset, length, (byte) 0);
        overlay.zero(offset, length, this::readBelow);
      }
      case 1 -> {
        int first = (offset + CLUSTER - 1) / CLUSTER * CLUSTER;
        int end = offset + length == SIZE ? SIZE : (offset + length) / CLUSTER * CLUSTER;
        if (end > first) {
          note(first, end - first, (byte) 0);
        }
        overlay.trim(offset, length);
      }
      case 2 -> flush();
      default -> {
        note(offset, length, value);
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, value);
        overlay.write(offset, ByteBuffer.wrap(bytes), this::readBelow);
      }
    }
    if (random.nextInt(50) == 0) {
      flush();
    }
  }

  private void flush() throws IOException {
    overlay.flush();
    System.arraycopy(current, 0, flushed, 0, SIZE);
    unflushed.clear();
  }

  private void note(int offset, int length, byte value) {
    unflushed.add(new Unflushed(offset, length, value));
    Arrays.fill(current, offset, offset + length, value);
  }

  private void cutAndLook() {
    cuts++;
    try {
      check(Overlay.open(file.afterCut(random)));
      check(Overlay.open(file.afterKill()));
    } catch (IOException e) {
      fail("seed " + seed, e);
    }
  }

  private void check(Overlay found) throws IOException {
    byte[] content = contentOf(found);
    for (int at = 0; at < SIZE; at++) {
      if (content[at] != flushed[at] && !mayBe(at, content[at])) {
        fail("seed " + seed + ": byte " + at + " is " + content[at] + ", was " + flushed[at]);
      }
    }
  }

  private boolean mayBe(int at, byte value) {
    for (Unflushed write : unflushed) {
      if (value == write.value() && at >= write.offset() && at < write.offset() + write.length()) {
        return true;
      }
    }
    return false;
  }

  @Test
  void writesNothingMoreOnceASynchronisationHasFailed() throws IOException {
    overlay.write(5, ByteBuffer.wrap(new byte[] {1}), this::readBelow);
    file.failForces();
    assertThatThrownBy(overlay::flush).isInstanceOf(IOException.class);
    assertThatThrownBy(overlay::flush).hasMessageContaining("could not be synchronised");
    assertThatThrownBy(() -> overlay.write(5, ByteBuffer.allocate(1), this::readBelow))
        .isInstanceOf(IOException.class);
  }

  @Test
  void refusesWhatIsDamagedOrNoOverlay() throws IOException {
    for (int at : new int[] {0, 8, 20, 60, 70}) {
      CuttableFile damaged = file.afterKill();
      ByteBuffer one = ByteBuffer.allocate(1);
      damaged.read(at, one);
      damaged.write(at, ByteBuffer.wrap(new byte[] {(byte) (one.get(0) ^ 4)}));
      assertThatThrownBy(() -> Overlay.open(damaged)).isInstanceOf(DamagedOverlayException.class);
    }
    for (int round = 0; round < 2; round++) {
      overlay.write(round, ByteBuffer.wrap(new byte[] {1}), this::readBelow);
      overlay.zero(2L * CLUSTER * (1 + round), CLUSTER, this::readBelow);
      overlay.flush();
    }
    CuttableFile damaged = file.afterKill();
    damaged.write(4096 + 100, ByteBuffer.wrap(new byte[] {3}));
    assertThat(Overlay.open(damaged).clusterCount()).as("one slot is whole").isEqualTo(10);
    damaged.write(8192 + 100, ByteBuffer.wrap(new byte[] {3}));
    assertThatThrownBy(() -> Overlay.open(damaged)).hasMessageContaining("block 0 of its map");
  }
}
