package io.nbdvault.engine.source;

import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.SkippedDisk;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.catalog.Names;
import io.nbdvault.engine.source.BackupRequest.NbdExport;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.client.NbdClientOptions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Exports of any NBD servers, each read in full. Whether they are of one instant, and whether they
 * change while they are read, is the servers' business.
 */
public final class NbdSource implements BackupSource {
  private final Instant instant;
  private final List<SourceDisk> disks;

  private NbdSource(Instant instant, List<SourceDisk> disks) {
    this.instant = instant;
    this.disks = disks;
  }

  /** Connects to all exports that are wanted. */
  public static NbdSource open(
      List<NbdExport> exports, BackupRequest request, SourceContext context) throws JobException {
    check(exports, request);
    List<SourceDisk> disks = new ArrayList<>();
    boolean opened = false;
    try {
      for (NbdExport export : exports) {
        if (request.wants(export.name())) {
          disks.add(connect(export, context));
        }
      }
      if (disks.isEmpty()) {
        throw JobException.badRequest("there is no disk to back up");
      }
      Instant now = Instant.now();
      context.listener().onEvent(new JobEvent.PointInTime(now, disks.size(), Consistency.CRASH));
      opened = true;
      return new NbdSource(now, List.copyOf(disks));
    } finally {
      if (!opened) {
        disks.forEach(SourceDisk::close);
      }
    }
  }

  private static SourceDisk connect(NbdExport export, SourceContext context) throws JobException {
    try {
      return NbdSourceDisk.open(
          new NbdSourceDisk.Description(
              export.name(),
              "nbd",
              Optional.of("an NBD export is always read in full"),
              Optional.empty(),
              Long.MAX_VALUE),
          export.uri(),
          Optional.empty(),
          context.limits().connections(),
          NbdClientOptions.defaults().requestTimeout());
    } catch (NbdException e) {
      throw JobException.failed("disk '" + export.name() + "'", e);
    }
  }

  private static void check(List<NbdExport> exports, BackupRequest request) throws JobException {
    Set<String> names = new HashSet<>();
    for (NbdExport export : exports) {
      if (!names.add(Names.checkDisk(export.name()))) {
        throw JobException.badRequest("disk '" + export.name() + "' is given twice");
      }
    }
    request.checkNamed(names);
  }

  @Override
  public Instant instant() {
    return instant;
  }

  @Override
  public Consistency consistency() {
    return Consistency.CRASH;
  }

  @Override
  public List<SourceDisk> disks() {
    return disks;
  }

  @Override
  public List<SkippedDisk> skipped() {
    return List.of();
  }

  @Override
  public Optional<String> vmUuid() {
    return Optional.empty();
  }

  @Override
  public Optional<String> qemuVersion() {
    return Optional.empty();
  }

  @Override
  public Optional<String> configuration() {
    return Optional.empty();
  }

  @Override
  public void proveWhole() {
    // Every read was answered by a server that we know nothing else of.
  }

  @Override
  public void committed() {
    // There are no checkpoints.
  }

  @Override
  public void close() {
    disks.forEach(SourceDisk::close);
  }
}
