package io.nbdvault.nbd.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Jazzer in a JVM of its own: it instruments classes as they are loaded, and ends its process when
 * it finds something. {@code bin/fuzz} calls {@link #main}.
 */
public final class FuzzRun {
  private static final int INPUT_BYTES_MAX = 4096;
  private static final int HEAP_MIB = 256;
  // Includes instrumenting what the first input loads, on a machine with other work to do.
  private static final int INPUT_SECONDS_MAX = 60;

  private FuzzRun() {}

  /**
   * The command that fuzzes a class.
   *
   * @param workDir gets what is found: new inputs in a directory of the target's, crashes beside it
   * @param seeds directories that are read only
   */
  public static List<String> command(
      Class<?> target, String name, int seconds, Path workDir, List<Path> seeds)
      throws IOException {
    List<String> command = jazzer(target, workDir);
    command.add("-max_total_time=" + seconds);
    command.add("-use_value_profile=1");
    command.add("-print_final_stats=1");
    command.add(Files.createDirectories(workDir.resolve(name)).toString());
    seeds.forEach(seed -> command.add(seed.toString()));
    return command;
  }

  private static List<String> jazzer(Class<?> target, Path workDir) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx" + HEAP_MIB + "m");
    command.add("-XX:+EnableDynamicAgentLoading");
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED");
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    // Inputs reuse nothing, so that leaks would only slow the run down; the tests look for them.
    command.add("-Dio.netty.leakDetection.level=disabled");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add("com.code_intelligence.jazzer.Jazzer");
    command.add("--target_class=" + target.getName());
    command.add("--instrumentation_includes=io.nbdvault.**");
    // Its sanitizers look for injections, and would call Path.of() on a URI's socket one.
    command.add("--disabled_hooks=com.code_intelligence.jazzer.sanitizers.*");
    command.add("--reproducer_path=" + workDir);
    command.add("-artifact_prefix=" + workDir + "/");
    command.add("-timeout=" + INPUT_SECONDS_MAX);
    command.add("-max_len=" + INPUT_BYTES_MAX);
    return command;
  }

  /** {@code bin/fuzz}: see {@link #run}, with a name of {@link Target}. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Target target = Target.valueOf(args[1].toUpperCase(Locale.ROOT));
    System.exit(run(target.type(), target.directory(), args));
  }

  /**
   * {@code fuzz TARGET WORK-DIR CORPUS-DIR SECONDS}, which ends as Jazzer does, with 0 if nothing
   * was found, or {@code merge TARGET WORK-DIR CORPUS-DIR}, which adds to the corpus what was found
   * and reaches something new.
   *
   * @param type the target's class
   * @param name its directory, below that of the corpus and the one to work in
   * @return the exit code
   */
  public static int run(Class<?> type, String name, String[] args)
      throws IOException, InterruptedException {
    Path workDir = Path.of(args[2]).toAbsolutePath();
    Path corpus = Path.of(args[3]).toAbsolutePath().resolve(name);
    List<String> command;
    if (args[0].equals("merge")) {
      command = jazzer(type, workDir);
      command.addAll(List.of("-merge=1", corpus.toString(), workDir.resolve(name).toString()));
    } else {
      command = command(type, name, Integer.parseInt(args[4]), workDir, List.of(corpus));
    }
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }
}
