package io.nbdvault.cli;

import io.nbdvault.engine.JobException;
import io.nbdvault.engine.backup.BackupAllJob;
import io.nbdvault.engine.restore.RestoreRequest;
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
 * @param collects whether what no snapshot needs is reclaimed meanwhile
 * @param restores made meanwhile, in the order of the file
 */
record BackupPlan(
    int parallel, List<BackupRequest> requests, boolean collects, List<RestoreRequest> restores) {
  static final int PARALLEL_DEFAULT = 2;

  BackupPlan {
    requests = List.copyOf(requests);
    restores = List.copyOf(restores);
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
    for (BackupPlanFile.Entry vm : file.vms()) {
      if (!names.add(vm.name())) {
        throw refused(file, vm, "VM", "two of this name");
      }
      requests.add(request(file, vm, root));
    }
    List<RestoreRequest> restores = new ArrayList<>();
    for (BackupPlanFile.Entry restore : file.restores()) {
      restores.add(restoreRequest(file, restore, root));
    }
    return new BackupPlan(parallel(file), requests, collects(file), restores);
  }

  private static boolean collects(BackupPlanFile file) throws JobException {
    String text = file.gc().orElse("false");
    if (!text.equals("true") && !text.equals("false")) {
      throw JobException.badRequest(file.path() + ": gc: " + text + " (expected: true or false)");
    }
    return text.equals("true");
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
      BackupPlanFile file, BackupPlanFile.Entry vm, NbdvaultCommand root) throws JobException {
    BackupCommand command = new BackupCommand(root);
    Place place = new Place(file, vm, "VM", "backup");
    parse(place, new CommandLine(command));
    try {
      return command.request();
    } catch (ParameterException e) {
      throw place.refused(JobException.sentence(e));
    }
  }

  private static RestoreRequest restoreRequest(
      BackupPlanFile file, BackupPlanFile.Entry restore, NbdvaultCommand root) throws JobException {
    RestoreCommand command = new RestoreCommand(root);
    Place place = new Place(file, restore, "snapshot", "restore");
    parse(place, new CommandLine(command));
    if (command.isLive()) {
      throw place.refused("a plan cannot move the disks of a running VM (live, qmp)");
    }
    return command.request();
  }

  private static void parse(Place place, CommandLine commandLine) throws JobException {
    commandLine.setExpandAtFiles(false);
    List<String> arguments = new ArrayList<>();
    for (BackupPlanFile.Setting setting : place.entry().settings()) {
      arguments.addAll(arguments(place, setting, commandLine.getCommandSpec()));
    }
    arguments.addAll(List.of("--", place.entry().name()));
    try {
      commandLine.parseArgs(arguments.toArray(new String[0]));
    } catch (ParameterException e) {
      throw place.refused(JobException.sentence(e));
    }
  }

  /** An entry of a file, whose settings are options of a command. */
  private record Place(
      BackupPlanFile file, BackupPlanFile.Entry entry, String kind, String command) {
    JobException refused(String message) {
      return BackupPlan.refused(file, entry, kind, message);
    }
  }

  private static List<String> arguments(
      Place place, BackupPlanFile.Setting setting, CommandSpec spec) throws JobException {
    String name = "--" + setting.name();
    OptionSpec option = spec.findOption(name);
    if (option == null || option.usageHelp() || option.versionHelp() || isPlan(option)) {
      throw place.refused("there is no option '" + setting.name() + "' of " + place.command());
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
    throw place.refused(setting.name() + ": " + setting.values() + " (expected: true or false)");
  }

  private static boolean isPlan(OptionSpec option) {
    return option.longestName().equals(BackupCommand.PLAN_OPTION);
  }

  private static JobException refused(
      BackupPlanFile file, BackupPlanFile.Entry entry, String kind, String message) {
    return JobException.badRequest(
        file.path() + ", line " + entry.line() + ": " + kind + " " + entry.name() + ": " + message);
  }
}
