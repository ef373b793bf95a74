package io.nbdvault.cli;

import io.nbdvault.engine.JobException;
import io.nbdvault.engine.backup.BackupAllJob;
import io.nbdvault.engine.source.BackupRequest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * What a plan's file asks for.
 *
 * @param parallel how many VMs are backed up at a time
 * @param requests one for each VM, in the order of the file
 */
record BackupPlan(int parallel, List<BackupRequest> requests) {
  static final int PARALLEL_DEFAULT = 2;

  BackupPlan {
    requests = List.copyOf(requests);
  }

  /**
   * Understands a plan: what it says of a VM are the options of {@code backup} without their
   * dashes, so they are read as such.
   *
   * @throws JobException of kind {@code BAD_REQUEST}, with the place in the file
   */
  static BackupPlan of(BackupPlanFile file, NbdvaultCommand root) throws JobException {
    if (file.vms().isEmpty()) {
      throw JobException.badRequest(file.path() + ": vms: none (expected: one or more)");
    }
    List<BackupRequest> requests = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (BackupPlanFile.Vm vm : file.vms()) {
      if (!names.add(vm.name())) {
        throw refused(file, vm, "two of this name");
      }
      requests.add(request(file, vm, root));
    }
    return new BackupPlan(parallel(file), requests);
  }

  private static int parallel(BackupPlanFile file) throws JobException {
    if (file.parallel().isEmpty()) {
      return PARALLEL_DEFAULT;
    }
    String text = file.parallel().get();
    int parallel = text.matches("\\d{1,4}") ? Integer.parseInt(text) : 0;
    if (parallel < 1 || parallel > BackupAllJob.PARALLEL_MAX) {
      throw JobException.badRequest(
          file.path()
              + ": parallel: "
              + text
              + " (expected: 1 to "
              + BackupAllJob.PARALLEL_MAX
              + ")");
    }
    return parallel;
  }

  private static BackupRequest request(
      BackupPlanFile file, BackupPlanFile.Vm vm, NbdvaultCommand root) throws JobException {
    BackupCommand command = new BackupCommand(root);
    CommandLine commandLine = new CommandLine(command).setExpandAtFiles(false);
    List<String> arguments = new ArrayList<>();
    for (BackupPlanFile.Setting setting : vm.settings()) {
      arguments.addAll(arguments(file, vm, setting, commandLine.getCommandSpec()));
    }
    arguments.addAll(List.of("--", vm.name()));
    try {
      commandLine.parseArgs(arguments.toArray(new String[0]));
      return command.request();
    } catch (ParameterException e) {
      throw refused(file, vm, JobException.sentence(e));
    }
  }

  private static List<String> arguments(
      BackupPlanFile file, BackupPlanFile.Vm vm, BackupPlanFile.Setting setting, CommandSpec spec)
      throws JobException {
    String name = "--" + setting.name();
    OptionSpec option = spec.findOption(name);
    if (option == null || option.usageHelp() || option.versionHelp() || isPlan(option)) {
      throw refused(file, vm, "there is no option '" + setting.name() + "' of backup");
    }
    if (option.arity().max() > 0) {
      return setting.values().stream().map(value -> name + "=" + value).toList();
    }
    if (setting.values().equals(List.of("true"))) {
      return List.of(name);
    }
    if (setting.values().equals(List.of("false"))) {
      return List.of();
    }
    throw refused(
        file, vm, setting.name() + ": " + setting.values() + " (expected: true or false)");
  }

  private static boolean isPlan(OptionSpec option) {
    return option.longestName().equals(BackupCommand.PLAN_OPTION);
  }

  private static JobException refused(BackupPlanFile file, BackupPlanFile.Vm vm, String message) {
    return JobException.badRequest(
        file.path() + ", line " + vm.line() + ": VM " + vm.name() + ": " + message);
  }
}
