package io.nbdvault.engine.source;

import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.SkippedDisk;
import io.nbdvault.engine.JobException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The disks of one machine at one instant. From opening to {@link #close} the source may hold
 * resources in a running QEMU; closing puts everything back, whatever happened before.
 */
public interface BackupSource extends AutoCloseable {

  /** When the disks were as they will be read. */
  Instant instant();

  Consistency consistency();

  /** The disks, in the order in which they should be read. */
  List<SourceDisk> disks();

  /** What was left out, and why. */
  List<SkippedDisk> skipped();

  /** The machine's UUID, where it has one. */
  Optional<String> vmUuid();

  Optional<String> qemuVersion();

  /** The machine's configuration as QMP reports it, as JSON text. */
  Optional<String> configuration();

  /**
   * Proves that every byte read so far came from the instant. Called after the last read and before
   * the commit; throws when the point in time was lost on the way.
   */
  void proveWhole() throws JobException;

  /**
   * The snapshot is durable: from here on the new checkpoints count, and the previous ones are
   * removed by {@link #close}. One that stays is removed by the next run.
   */
  void committed();

  /**
   * Puts everything back. What was not {@linkplain #committed() committed} leaves the previous
   * checkpoints recording and takes the new ones away. Never waits without a deadline.
   */
  @Override
  void close() throws JobException;
}
