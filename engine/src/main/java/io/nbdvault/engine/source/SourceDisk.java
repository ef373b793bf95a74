package io.nbdvault.engine.source;

import io.nbdvault.chunkstore.Checkpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * One disk as it was at the instant of its {@link BackupSource}. Its content does not change while
 * the source is open. Reads may be made from any thread, many at once.
 */
public interface SourceDisk extends AutoCloseable {

  /** The name a user knows the disk by; the same name continues its incrementals. */
  String name();

  long sizeBytes();

  /** The image format, as QEMU names it ({@code qcow2}, {@code raw}), or {@code nbd}. */
  String format();

  /** Why this disk is read in full, or empty when {@link ExtentKind#UNCHANGED} can be trusted. */
  Optional<String> fullReason();

  /** The bitmap that records what changes from this instant on, to be committed with the disk. */
  Optional<Checkpoint> checkpoint();

  /** How many bytes a backup of this disk will probably read; an estimate. */
  long expectedBytes();

  /**
   * The next extents from {@code offsetBytes} on: at least one, all within {@code lengthBytes}, in
   * order, without gaps. Completes exceptionally with an {@link IOException}.
   */
  CompletableFuture<List<SourceExtent>> extents(long offsetBytes, long lengthBytes);

  /**
   * Fills {@code destination} from {@code offsetBytes}. The buffer belongs to this call until the
   * future is done, and must not be touched before.
   */
  CompletableFuture<Void> read(long offsetBytes, ByteBuffer destination);

  /** Ends the connection; reads in flight fail. */
  @Override
  void close();
}
