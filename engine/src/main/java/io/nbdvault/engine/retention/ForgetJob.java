package io.nbdvault.engine.retention;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotCatalog;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.catalog.SnapshotSelector;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Forgets snapshots. What is forgotten can be brought back until a collection reclaims it. */
public final class ForgetJob {
  private final Instant now;
  private final ZoneId zone;

  /**
   * @param now by this machine's clock
   * @param zone whose days a policy counts
   */
  public ForgetJob(Instant now, ZoneId zone) {
    this.now = now;
    this.zone = zone;
  }

  /**
   * Says what would be forgotten; changes nothing.
   *
   * @throws JobException of kind {@code BAD_REQUEST} if a VM or a snapshot that is named is not
   *     there, or is protected
   */
  public RetentionPlan plan(SnapshotCatalog catalog, ForgetRequest request)
      throws StoreException, JobException {
    if (request instanceof ForgetRequest.ByPolicy byPolicy) {
      return byPolicy.policy().plan(entries(catalog, byPolicy.vm()), now, zone);
    }
    if (request instanceof ForgetRequest.Named named) {
      return plan(catalog, named);
    }
    throw new IllegalStateException("no way to plan " + request);
  }

  private static List<CatalogEntry> entries(SnapshotCatalog catalog, Optional<String> vm)
      throws StoreException, JobException {
    List<CatalogEntry> entries =
        catalog.catalog().stream()
            .filter(entry -> vm.isEmpty() || entry.record().vm().equals(vm.get()))
            .toList();
    if (vm.isPresent() && entries.stream().noneMatch(CatalogEntry::isKept)) {
      throw JobException.badRequest("there is no snapshot of VM '" + vm.get() + "'");
    }
    return entries;
  }

  private static RetentionPlan plan(SnapshotCatalog catalog, ForgetRequest.Named request)
      throws StoreException, JobException {
    Set<SnapshotRecord> named = new LinkedHashSet<>();
    for (String text : request.snapshots()) {
      named.add(SnapshotSelector.select(catalog, text));
    }
    Set<SnapshotId> protectedIds =
        catalog.catalog().stream()
            .filter(entry -> entry.state().isProtected())
            .map(entry -> entry.record().id())
            .collect(Collectors.toSet());
    List<RetentionDecision> decisions = new ArrayList<>();
    for (SnapshotRecord snapshot : named) {
      if (protectedIds.contains(snapshot.id())) {
        throw JobException.badRequest(
            "snapshot " + snapshot.id().shortForm() + " is protected: unprotect it first");
      }
      decisions.add(new RetentionDecision(snapshot, List.of()));
    }
    return new RetentionPlan(decisions, List.of());
  }

  /**
   * Plans and forgets, all of the plan or nothing. It is durable when this returns.
   *
   * @return what was done
   */
  public RetentionPlan run(ChunkStore store, ForgetRequest request)
      throws StoreException, JobException {
    RetentionPlan plan = plan(store, request);
    Set<SnapshotId> ids =
        plan.forgotten().stream().map(SnapshotRecord::id).collect(Collectors.toSet());
    if (!ids.isEmpty()) {
      store.forget(ids);
    }
    return plan;
  }
}
