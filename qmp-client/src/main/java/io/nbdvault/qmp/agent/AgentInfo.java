package io.nbdvault.qmp.agent;

import java.util.Set;

/**
 * {@code guest-info} (qga schema, since 0.15).
 *
 * @param version the agent's version
 * @param enabledCommands names of the commands that the guest's administrator has not switched off
 */
public record AgentInfo(String version, Set<String> enabledCommands) {
  public AgentInfo {
    enabledCommands = Set.copyOf(enabledCommands);
  }

  /** Returns whether the command exists and is enabled. */
  public boolean supports(String command) {
    return enabledCommands.contains(command);
  }

  /** Returns whether the filesystems can be frozen, thawed, and asked which they are. */
  public boolean supportsFreeze() {
    return supports("guest-fsfreeze-freeze")
        && supports("guest-fsfreeze-thaw")
        && supports("guest-fsfreeze-status");
  }
}
