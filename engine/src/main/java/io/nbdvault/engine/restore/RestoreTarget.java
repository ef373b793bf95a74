package io.nbdvault.engine.restore;

import io.nbdvault.engine.pipeline.DiskWriting;
import java.io.IOException;

/**
 * Where one disk is written to. Writes and zeroes come from several threads, never overlapping.
 * Nothing counts before {@link #complete}; closing a target that was not completed takes back what
 * can be taken back.
 */
interface RestoreTarget extends DiskWriting.Target, AutoCloseable {

  /** What the user knows the target by. */
  String name();

  /** Whether what has not been written reads as zeroes already. */
  boolean startsZeroed();

  /** Makes everything written durable. What has to be durable before {@link #publish} is then. */
  void complete() throws IOException;

  /** Puts the completed target under its own name, where it was under a temporary one. */
  void publish() throws IOException;

  @Override
  void close() throws IOException;
}
