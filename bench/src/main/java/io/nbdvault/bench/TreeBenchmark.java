package io.nbdvault.bench;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.format.ContentId;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.TreeNode;
import io.nbdvault.chunkstore.tree.NodeSink;
import io.nbdvault.chunkstore.tree.TreeBuilder;
import io.nbdvault.chunkstore.tree.TreeDiff;
import io.nbdvault.chunkstore.tree.TreeShape;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How long does the tree of a disk take: to build from nothing, to build from its parent with 64
 * chunks changed, and to compare with its parent? With ids and encoding of nodes, but without the
 * store: nodes lie in memory. Run it with {@code bench/run TreeBenchmark}.
 */
@SuppressWarnings("NullAway.Init") // JMH calls fill() first.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class TreeBenchmark {
  private static final int CHUNK_BYTES = Contents.CHUNK_BYTES;
  private static final int CHANGES = 64;

  /** Chunks of the disk: of 1 GiB, and of 64 GiB. */
  @Param({"16384", "1048576"})
  public long chunks;

  private final Map<ChunkId, byte[]> nodes = new HashMap<>();
  private TreeShape shape;
  private ChunkId parent;
  private ChunkId changed;

  /** Makes the two trees. */
  @Setup
  public void fill() throws StoreException {
    shape = TreeShape.ofDisk(chunks * CHUNK_BYTES, CHUNK_BYTES);
    parent = build(this::keep);
    changed = change(this::keep);
  }

  /** Builds the tree of a disk that is full. */
  @Benchmark
  public ChunkId build() throws StoreException {
    return build(this::drop);
  }

  /** Builds the tree of a disk of which a few chunks have changed, far apart. */
  @Benchmark
  public ChunkId change() throws StoreException {
    return change(this::drop);
  }

  /** Finds what has changed. */
  @Benchmark
  public long diff() throws IOException {
    long[] differing = new long[1];
    TreeDiff.forEachRange(
        shape,
        parent,
        shape,
        changed,
        this::read,
        (first, end) -> {
          differing[0] += end - first;
          return true;
        });
    return differing[0];
  }

  private ChunkId build(NodeSink sink) throws StoreException {
    TreeBuilder tree = new TreeBuilder(shape, ChunkId.ZERO, this::read, sink);
    for (long chunk = 0; chunk < chunks; chunk++) {
      tree.append(chunk, chunkId(chunk));
    }
    return tree.finish().root();
  }

  private ChunkId change(NodeSink sink) throws StoreException {
    TreeBuilder tree = new TreeBuilder(shape, parent, this::read, sink);
    long apart = chunks / CHANGES;
    for (long chunk = apart / 2; chunk < chunks; chunk += apart) {
      tree.append(chunk, chunkId(chunk + chunks));
    }
    return tree.finish().root();
  }

  private static ChunkId chunkId(long number) {
    return new ChunkId(number, 1, 1, 1);
  }

  private NodeSink.PendingNode keep(TreeNode node) {
    byte[] plain = node.encode();
    NodeSink.PendingNode put = put(plain);
    nodes.put(put.id(), plain);
    return put;
  }

  private NodeSink.PendingNode drop(TreeNode node) {
    return put(node.encode());
  }

  private static NodeSink.PendingNode put(byte[] plain) {
    ChunkId id = ContentId.of(plain, 0, plain.length);
    StoredChunk stored = new StoredChunk(id, StoredChunk.Outcome.DUPLICATE, 0);
    return new NodeSink.PendingNode(id, CompletableFuture.completedFuture(stored));
  }

  /** Checks the id, as the store does. */
  private TreeNode read(ChunkId id) {
    byte[] plain = nodes.get(id);
    if (plain == null || !ContentId.of(plain, 0, plain.length).equals(id)) {
      throw new IllegalStateException("node " + id + " is missing");
    }
    try {
      return TreeNode.decode(plain, plain.length);
    } catch (MalformedRecordException e) {
      throw new IllegalStateException(e);
    }
  }
}
