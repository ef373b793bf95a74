package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.source.BackupRequest.Freeze;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.agent.FreezeStatus;
import io.nbdvault.qmp.agent.GuestAgent;
import io.nbdvault.qmp.agent.GuestAgentOptions;
import io.nbdvault.qmp.block.BlockCommands;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Freezes the guest's filesystems for the instant, and thaws them whatever happens. Before a freeze
 * a mark is left in QEMU, and it goes only when the guest is known to be thawed: after a kill in
 * between, the next run finds it and thaws.
 */
final class GuestFreeze {
  private static final int THAW_ATTEMPTS = 3;

  private final BlockCommands qemu;
  private final RunNames names;
  private final Optional<Path> agentSocket;
  private final EngineLimits limits;
  private final JobListener listener;
  private boolean mayBeFrozen;

  GuestFreeze(
      BlockCommands qemu,
      RunNames names,
      Optional<Path> agentSocket,
      EngineLimits limits,
      JobListener listener) {
    this.qemu = qemu;
    this.names = names;
    this.agentSocket = agentSocket;
    this.limits = limits;
    this.listener = listener;
  }

  /**
   * Thaws a guest that a killed run left frozen, as far as its mark and an agent tell.
   *
   * @return false when there is a mark and no agent to ask
   */
  static boolean thawLeftover(
      QemuCleaner cleaner,
      BlockCommands qemu,
      Optional<Path> agentSocket,
      EngineLimits limits,
      JobListener listener)
      throws QmpException, JobException {
    for (String mark : cleaner.objects(RunNames.Role.FROZEN)) {
      if (agentSocket.isEmpty()) {
        return false;
      }
      var unused = thawUntilThawed(agentSocket.get(), limits);
      qemu.objectDel(mark);
      listener.onEvent(new JobEvent.Removed("freeze", mark));
    }
    return true;
  }

  /**
   * Freezes, if that was asked for.
   *
   * @return whether the filesystems are frozen now
   * @throws JobException when a freeze is required and cannot be had, when somebody else has frozen
   *     the guest, or when the guest could not be thawed again after a failed freeze
   */
  boolean freeze(Freeze wanted) throws JobException, QmpException {
    if (wanted == Freeze.NEVER || (agentSocket.isEmpty() && wanted == Freeze.AUTO)) {
      return false;
    }
    if (agentSocket.isEmpty()) {
      throw JobException.badRequest("--freeze require needs --guest-agent SOCKET");
    }
    try (GuestAgent agent = GuestAgent.connect(agentSocket.get(), GuestAgentOptions.defaults())) {
      if (agent.fsfreezeStatus() == FreezeStatus.FROZEN) {
        throw JobException.failed("the guest's filesystems are frozen already, by somebody else");
      }
      mark();
      mayBeFrozen = true;
      if (agent.fsfreezeFreeze(limits.freezeTimeout()) > 0) {
        return true;
      }
    } catch (QmpException e) {
      return withoutFreeze(wanted, JobException.sentence(e));
    }
    return withoutFreeze(wanted, "it has none that can be");
  }

  private boolean withoutFreeze(Freeze wanted, String why) throws JobException, QmpException {
    var unused = thaw(qemu); // A freeze that timed out may complete later.
    if (wanted == Freeze.REQUIRE) {
      throw JobException.failed("the guest's filesystems cannot be frozen: " + why);
    }
    listener.onEvent(
        new JobEvent.Warning(
            "the guest's filesystems are not frozen, the backup is crash-consistent: " + why));
    return false;
  }

  /** The guest had thawed by itself when it was asked after the instant, as Windows does. */
  void notHeld(Freeze wanted) throws JobException {
    String sentence = "the guest's filesystems did not stay frozen until the instant";
    if (wanted == Freeze.REQUIRE) {
      throw JobException.failed(sentence);
    }
    listener.onEvent(new JobEvent.Warning(sentence + ": the backup is crash-consistent"));
  }

  private void mark() throws QmpException {
    qemu.objectAdd(
        JsonNodeFactory.instance
            .objectNode()
            .put("qom-type", Markers.TYPE)
            .put("id", names.of(RunNames.Role.FROZEN)));
  }

  /**
   * Thaws if this run may have frozen anything; does nothing the second time.
   *
   * @param session the session with QEMU to take the mark away by
   * @return whether the guest was still frozen when it was first asked
   */
  boolean thaw(BlockCommands session) throws JobException, QmpException {
    if (!mayBeFrozen) {
      return false;
    }
    boolean wasFrozen = thawUntilThawed(agentSocket.orElseThrow(), limits);
    mayBeFrozen = false;
    session.objectDel(names.of(RunNames.Role.FROZEN));
    return wasFrozen;
  }

  /** Tries on fresh connections: one that hung on a freeze may go on hanging. */
  private static boolean thawUntilThawed(Path socket, EngineLimits limits) throws JobException {
    QmpException last = null;
    boolean wasFrozen = false;
    for (int attempt = 0; attempt < THAW_ATTEMPTS; attempt++) {
      try (GuestAgent agent = GuestAgent.connect(socket, GuestAgentOptions.defaults())) {
        if (agent.fsfreezeStatus() == FreezeStatus.THAWED) {
          return wasFrozen;
        }
        wasFrozen = true;
        agent.fsfreezeThaw(limits.thawTimeout());
        if (agent.fsfreezeStatus() == FreezeStatus.THAWED) {
          return true;
        }
      } catch (QmpException e) {
        last = e;
      }
    }
    String sentence = "the guest's filesystems are still frozen and must be thawed";
    throw last == null ? JobException.failed(sentence) : JobException.failed(sentence, last);
  }
}
