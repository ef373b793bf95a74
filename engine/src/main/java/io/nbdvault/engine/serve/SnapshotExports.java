package io.nbdvault.engine.serve;

import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.serve.overlay.Overlay;
import io.nbdvault.engine.serve.overlay.OverlayDirectory;
import io.nbdvault.engine.serve.overlay.OverlayHeader;
import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.server.Export;
import io.nbdvault.nbd.server.ExportInfo;
import io.nbdvault.nbd.server.ExportProvider;
import io.nbdvault.nbd.server.NoSuchExportException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Every disk of every snapshot of a repository, as {@code VM/DISK@SNAPSHOT}, where the snapshot is
 * an id or 4 or more digits that begin it, {@code latest}, or a time. New snapshots appear as they
 * are committed. If they may be written, what is written to one goes to an overlay of that disk of
 * that snapshot, which all its connections share; the repository is never written.
 *
 * <p>Everything that exports share is here: open snapshots, decompressed chunks, leaves of trees,
 * threads that read ahead. Close the server first.
 */
public final class SnapshotExports implements ExportProvider, AutoCloseable {
  private static final int REQUEST_BYTES_MAX = 32 << 20;

  private final ServeLimits limits;
  private final StoreMoments moments;
  private final RepositoryConfig config;
  private final ChunkCache chunks;
  private final LeafCache leaves;
  private final ReadAheadPool pool;
  private final Optional<SharedOverlays> overlays;

  private SnapshotExports(
      ServeLimits limits,
      StoreMoments moments,
      RepositoryConfig config,
      Optional<OverlayDirectory> overlays) {
    this.overlays = overlays.map(SharedOverlays::new);
    this.limits = limits;
    this.moments = moments;
    this.config = config;
    this.chunks =
        new ChunkCache(config.chunkSizeBytes(), limits.chunkCacheBytes(), limits.chunksMin());
    this.leaves = new LeafCache(limits.leavesMax());
    this.pool = new ReadAheadPool(limits);
  }

  /** Opens the repository, for exports that cannot be written. */
  public static SnapshotExports open(StoreSource source, ServeLimits limits) throws StoreException {
    return open(source, limits, Optional.empty());
  }

  /**
   * Opens the repository; fails at once if that cannot be done.
   *
   * @param overlays where what is written to the exports goes; empty if they cannot be written
   */
  public static SnapshotExports open(
      StoreSource source, ServeLimits limits, Optional<OverlayDirectory> overlays)
      throws StoreException {
    StoreMoments moments = StoreMoments.open(source, limits);
    return new SnapshotExports(limits, moments, moments.now().store().config(), overlays);
  }

  @Override
  public void list(NameVisitor visitor) throws IOException {
    catalog().list(visitor);
  }

  @Override
  public Optional<ExportInfo> find(String name) throws IOException {
    ExportCatalog catalog = catalog();
    try {
      return Optional.of(info(catalog, catalog.find(name)));
    } catch (NoSuchExportException e) {
      return Optional.empty();
    }
  }

  @Override
  public List<String> contexts(String name, String query, boolean isListing) throws IOException {
    ExportCatalog catalog = catalog();
    try {
      return catalog.contexts(catalog.find(name), query, isListing, limits.contextsMax());
    } catch (NoSuchExportException e) {
      return List.of();
    }
  }

  @Override
  public Export open(String name) throws IOException {
    ExportCatalog catalog = catalog();
    ExportCatalog.Found found = catalog.find(name);
    ExportInfo info = info(catalog, found);
    SnapshotExport below = open(info, found);
    return overlays.isPresent() ? open(info, found, below, overlays.get()) : below;
  }

  /** Takes ownership of what is below, also if it fails. */
  private OverlayExport open(
      ExportInfo info, ExportCatalog.Found found, SnapshotExport below, SharedOverlays shared)
      throws IOException {
    OverlayHeader header =
        new OverlayHeader(
            config.repositoryId(),
            found.snapshot().id(),
            found.snapshot().vm(),
            found.disk().name(),
            found.disk().sizeBytes(),
            config.chunkSizeBytes());
    boolean opened = false;
    try {
      Overlay overlay = shared.open(header);
      opened = true;
      return new OverlayExport(info, below, overlay, shared);
    } finally {
      if (!opened) {
        below.close();
      }
    }
  }

  private SnapshotExport open(ExportInfo info, ExportCatalog.Found found) throws IOException {
    SharedSnapshot snapshot;
    try {
      snapshot = moments.open(found.snapshot().id());
    } catch (NoSuchSnapshotException e) {
      throw new NoSuchExportException("Snapshot " + found.snapshot().id() + " has been forgotten");
    }
    int chunkSizeBytes = config.chunkSizeBytes();
    return new SnapshotExport(
        info,
        snapshot,
        new SnapshotDisk(snapshot, found.disk(), chunkSizeBytes, chunks, leaves),
        context -> openEarlier(found, context),
        new ReadAhead(found.disk().sizeBytes(), chunkSizeBytes, limits.readAheadBytes()),
        pool);
  }

  private SharedSnapshot openEarlier(ExportCatalog.Found found, String context) throws IOException {
    SnapshotRecord earlier =
        catalog()
            .earlier(found, context)
            .orElseThrow(() -> new IOException("there is no context " + context));
    return moments.open(earlier.id());
  }

  private ExportInfo info(ExportCatalog catalog, ExportCatalog.Found found) {
    return new ExportInfo(
        catalog.name(found),
        ExportCatalog.description(found),
        found.disk().sizeBytes(),
        overlays.isEmpty(),
        true,
        new BlockSizes(1, config.chunkSizeBytes(), REQUEST_BYTES_MAX));
  }

  private ExportCatalog catalog() {
    return new ExportCatalog(moments.now());
  }

  /** Drops what is read ahead and closes the repository. */
  @Override
  public void close() {
    pool.close();
    moments.close();
  }
}
