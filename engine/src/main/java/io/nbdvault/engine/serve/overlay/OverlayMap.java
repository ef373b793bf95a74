package io.nbdvault.engine.serve.overlay;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * The states of an overlay's clusters, in memory, 4 MiB for a terabyte of 64 KiB clusters, and in
 * the file, where they only come at a flush. Each block has two slots in the file, of which the
 * newer whole one counts, and is written to the other: a block that was half written when the power
 * went leaves what was flushed before.
 *
 * <pre>
 *    0                                   4                 8
 *   +-----------------------------------+-----------------+
 *   |CRC32C                             |0                |
 *  8+-----------------------------------+-----------------+
 *   |sequence: how often the block was written            |
 * 16+-----------------------------------------------------+
 *   |states of 16,320 clusters, 2 bits each, the first in the lowest bits of the first byte
 *   +--------------------------------------------- 4096
 * </pre>
 *
 * <p>The CRC32C is over the number of the block, 8 bytes, and then bytes 4 to 4,095. A slot of
 * zeroes was never written.
 */
final class OverlayMap {
  static final int BLOCK_BYTES = 4096;
  static final int CLUSTERS_PER_BLOCK = 4 * (BLOCK_BYTES - 16);

  private static final int STATES_OFFSET = 16;

  /**
   * Clusters of one state.
   *
   * @param end the first one behind them
   */
  record Run(ClusterState state, long end) {}

  /** Blocks to be written, as they were at one instant. */
  static final class Changes {
    private final Map<Integer, byte[]> states = new TreeMap<>();

    boolean isEmpty() {
      return states.isEmpty();
    }
  }

  private final OverlayLayout layout;

  /** The states, a byte for four of them; no block where no cluster was written. */
  @GuardedBy("this")
  private final Map<Integer, byte[]> blocks = new HashMap<>();

  @GuardedBy("this")
  private final BitSet dirty = new BitSet();

  /** How often each block was written; the slot it is in is the lowest bit. */
  @GuardedBy("this")
  private final long[] sequences;

  private OverlayMap(OverlayLayout layout) {
    this.layout = layout;
    this.sequences = new long[layout.blockCount()];
  }

  /**
   * Reads the map.
   *
   * @throws DamagedOverlayException if neither slot of a block is whole
   */
  static OverlayMap read(DurableFile file, OverlayLayout layout) throws IOException {
    OverlayMap map = new OverlayMap(layout);
    synchronized (map) {
      for (int block = 0; block < layout.blockCount(); block++) {
        map.readBlock(file, block);
      }
    }
    return map;
  }

  @GuardedBy("this")
  private void readBlock(DurableFile file, int block) throws IOException {
    int brokenSlots = 0;
    for (int slot = 0; slot < 2; slot++) {
      byte[] bytes = new byte[BLOCK_BYTES];
      file.read(layout.slotOffset(block, slot), ByteBuffer.wrap(bytes));
      long sequence = ByteBuffer.wrap(bytes).getLong(8);
      if (isWhole(block, slot, bytes)) {
        if (sequence > sequences[block]) {
          sequences[block] = sequence;
          blocks.put(block, Arrays.copyOfRange(bytes, STATES_OFFSET, BLOCK_BYTES));
        }
      } else if (!isZero(bytes)) {
        brokenSlots++;
      }
    }
    // One was being written when the power went; two never are.
    if (brokenSlots == 2) {
      throw new DamagedOverlayException("block " + block + " of its map is damaged");
    }
  }

  private static boolean isZero(byte[] bytes) {
    for (byte b : bytes) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  private static boolean isWhole(int block, int slot, byte[] bytes) {
    boolean isKnown = true;
    for (int at = STATES_OFFSET; at < BLOCK_BYTES; at++) {
      isKnown &= (bytes[at] & (bytes[at] >> 1) & 0x55) == 0; // There is no state 3.
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    long sequence = in.getLong(8);
    return in.getInt(0) == crc(block, bytes) && sequence > 0 && (sequence & 1) == slot && isKnown;
  }

  private static int crc(int block, byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(ByteBuffer.allocate(Long.BYTES).putLong(0, block));
    crc.update(bytes, 4, bytes.length - 4);
    return (int) crc.getValue();
  }

  synchronized ClusterState get(long cluster) {
    byte[] states = blocks.get(block(cluster));
    if (states == null) {
      return ClusterState.BELOW;
    }
    int index = (int) (cluster % CLUSTERS_PER_BLOCK);
    return ClusterState.ofBits((states[index / 4] >> (2 * (index % 4))) & 3);
  }

  synchronized void set(long cluster, ClusterState state) {
    int block = block(cluster);
    byte[] states = blocks.get(block);
    if (states == null) {
      states = new byte[BLOCK_BYTES - STATES_OFFSET];
      blocks.put(block, states);
    }
    int index = (int) (cluster % CLUSTERS_PER_BLOCK);
    int shift = 2 * (index % 4);
    int cleared = states[index / 4] & ~(3 << shift);
    states[index / 4] = (byte) (cleared | state.bits() << shift);
    dirty.set(block);
  }

  /**
   * The clusters from {@code cluster} on, and before {@code end}, that are alike at this instant.
   */
  synchronized Run run(long cluster, long end) {
    ClusterState state = get(cluster);
    return new Run(state, endOfRun(state, cluster, end));
  }

  @GuardedBy("this")
  private long endOfRun(ClusterState state, long cluster, long end) {
    long next = cluster + 1;
    while (next < end) {
      if (state == ClusterState.BELOW && !blocks.containsKey(block(next))) {
        next = (block(next) + 1L) * CLUSTERS_PER_BLOCK;
      } else if (get(next) == state) {
        next++;
      } else {
        return next;
      }
    }
    return end;
  }

  private static int block(long cluster) {
    return (int) (cluster / CLUSTERS_PER_BLOCK);
  }

  /** Takes what has changed since the last time. */
  synchronized Changes take() {
    Changes taken = new Changes();
    for (int block = dirty.nextSetBit(0); block >= 0; block = dirty.nextSetBit(block + 1)) {
      byte[] states = blocks.get(block);
      if (states != null) {
        taken.states.put(block, states.clone());
      }
    }
    dirty.clear();
    return taken;
  }

  /** Gives back what could not be written, so that the next flush writes it. */
  synchronized void giveBack(Changes changes) {
    changes.states.keySet().forEach(dirty::set);
  }

  /** Writes changes into the slots that do not count. */
  void write(DurableFile file, Changes changes) throws IOException {
    for (Map.Entry<Integer, byte[]> change : changes.states.entrySet()) {
      int block = change.getKey();
      long sequence = sequence(block) + 1;
      byte[] bytes = new byte[BLOCK_BYTES];
      ByteBuffer out = ByteBuffer.wrap(bytes);
      out.putLong(8, sequence);
      out.put(STATES_OFFSET, change.getValue());
      out.putInt(0, crc(block, bytes));
      file.write(layout.slotOffset(block, (int) (sequence & 1)), out);
    }
  }

  /** They are durable: the slots that were written count. */
  synchronized void written(Changes changes) {
    changes.states.keySet().forEach(block -> sequences[block]++);
  }

  private synchronized long sequence(int block) {
    return sequences[block];
  }
}
