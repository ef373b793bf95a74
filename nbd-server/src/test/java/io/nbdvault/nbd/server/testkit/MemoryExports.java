package io.nbdvault.nbd.server.testkit;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.server.Export;
import io.nbdvault.nbd.server.ExportException;
import io.nbdvault.nbd.server.ExportInfo;
import io.nbdvault.nbd.server.ExportProvider;
import io.nbdvault.nbd.server.NoSuchExportException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Disks in memory, for tests. They have the contexts base:allocation, and qemu:dirty-bitmap:b0 of
 * what has been written to them.
 */
public final class MemoryExports implements ExportProvider {
  /** The context of what is allocated. */
  public static final String ALLOCATION = "base:allocation";

  /** The context of what has been written. */
  public static final String DIRTY = "qemu:dirty-bitmap:b0";

  private static final List<String> CONTEXTS = List.of(ALLOCATION, DIRTY);
  private static final long HELD_SECONDS_MAX = 60;

  private record Entry(ExportInfo info, MemoryDisk disk) {}

  private final Map<String, Entry> entries = new ConcurrentSkipListMap<>();
  private final AtomicInteger opened = new AtomicInteger();
  private final AtomicInteger closed = new AtomicInteger();
  private final AtomicInteger reads = new AtomicInteger();
  private final AtomicInteger flushes = new AtomicInteger();
  private volatile @Nullable CountDownLatch gate;
  private volatile LongPredicate badOffsets = offset -> false;

  /** Adds a disk. */
  public MemoryExports add(String name, MemoryDisk disk, boolean isReadOnly) {
    return add(
        new ExportInfo(
            name, "a disk in memory", disk.sizeBytes(), isReadOnly, true, BlockSizes.DEFAULT),
        disk);
  }

  /** Adds a disk that is announced as said. */
  public MemoryExports add(ExportInfo info, MemoryDisk disk) {
    entries.put(info.name(), new Entry(info, disk));
    return this;
  }

  /** Has every read wait until {@link #release}. */
  public void hold() {
    gate = new CountDownLatch(1);
  }

  /** Lets the reads go on. */
  public void release() {
    CountDownLatch held = gate;
    gate = null;
    if (held != null) {
      held.countDown();
    }
  }

  /** Has reads fail, after what comes before, that reach a block of which this is true. */
  public void failReadsAt(LongPredicate offsets) {
    badOffsets = offsets;
  }

  public int opened() {
    return opened.get();
  }

  public int closed() {
    return closed.get();
  }

  /** How many reads have begun. */
  public int reads() {
    return reads.get();
  }

  public int flushes() {
    return flushes.get();
  }

  @Override
  public void list(NameVisitor visitor) throws IOException {
    for (Entry entry : entries.values()) {
      if (!visitor.export(entry.info().name(), entry.info().description())) {
        return;
      }
    }
  }

  @Override
  public Optional<ExportInfo> find(String name) {
    return Optional.ofNullable(entries.get(name)).map(Entry::info);
  }

  @Override
  public List<String> contexts(String name, String query, boolean isListing) {
    boolean isWildcard = isListing && (query.isEmpty() || query.endsWith(":"));
    return CONTEXTS.stream()
        .filter(context -> isWildcard ? context.startsWith(query) : context.equals(query))
        .toList();
  }

  @Override
  public Export open(String name) throws IOException {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new NoSuchExportException("no export of that name");
    }
    opened.incrementAndGet();
    return new MemoryExport(entry);
  }

  private final class MemoryExport implements Export {
    private final ExportInfo info;
    private final MemoryDisk disk;

    MemoryExport(Entry entry) {
      this.info = entry.info();
      this.disk = entry.disk();
    }

    @Override
    public ExportInfo info() {
      return info;
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadSink sink) throws IOException {
      reads.incrementAndGet();
      awaitGate();
      long at = offsetBytes;
      long end = offsetBytes + lengthBytes;
      while (at < end) {
        long index = at / MemoryDisk.BLOCK_BYTES;
        int within = (int) (at % MemoryDisk.BLOCK_BYTES);
        int piece = (int) Math.min(end - at, MemoryDisk.BLOCK_BYTES - within);
        if (badOffsets.test(at)) {
          throw new ExportException(NbdErrno.EIO, at, "a bad block");
        }
        byte[] block = disk.block(index);
        if (block.length == 0) {
          sink.hole(piece);
        } else {
          sink.data(ByteBuffer.wrap(block, within, piece));
        }
        at += piece;
      }
    }

    private void awaitGate() throws IOException {
      CountDownLatch held = gate;
      try {
        if (held != null && !held.await(HELD_SECONDS_MAX, TimeUnit.SECONDS)) {
          throw new IOException("held for too long");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }

    @Override
    public void extents(String context, long offsetBytes, long lengthBytes, ExtentVisitor visitor) {
      long at = offsetBytes;
      long end = offsetBytes + lengthBytes;
      boolean goesOn = true;
      while (at < end && goesOn) {
        long index = at / MemoryDisk.BLOCK_BYTES;
        long piece = MemoryDisk.BLOCK_BYTES - at % MemoryDisk.BLOCK_BYTES;
        long flags =
            context.equals(ALLOCATION)
                ? (disk.isAllocated(index) ? 0 : 3)
                : (disk.isDirty(index) ? 1 : 0);
        goesOn = visitor.extent(piece, flags);
        at += piece;
      }
    }

    @Override
    public void write(long offsetBytes, ByteBuffer source, boolean isDurable) {
      disk.write(offsetBytes, source);
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, boolean mayPunchHole, boolean isDurable) {
      disk.zero(offsetBytes, lengthBytes, mayPunchHole);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes, boolean isDurable) {
      disk.zero(offsetBytes, lengthBytes, true);
    }

    @Override
    public void flush() {
      flushes.incrementAndGet();
    }

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }
}
