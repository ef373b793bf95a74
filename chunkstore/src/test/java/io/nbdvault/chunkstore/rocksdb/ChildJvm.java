package io.nbdvault.chunkstore.rocksdb;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts a class of the tests in a process of its own. */
final class ChildJvm {
  private ChildJvm() {}

  static Process start(Path temporary, Class<?> main, String... arguments) throws IOException {
    return start(temporary, 160, main, arguments);
  }

  static Process start(Path temporary, int heapMib, Class<?> main, String... arguments)
      throws IOException {
    return new ProcessBuilder(command(temporary, heapMib, main, arguments))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** What starts it. */
  static List<String> command(Path temporary, int heapMib, Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // Quicker to start, which is most of what such a process does.
    command.addAll(List.of("-Xmx" + heapMib + "m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED");
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    // No word of the JVM's own among what the program says.
    command.addAll(List.of("-XX:-UsePerfData", "-Xlog:disable", "-Xlog:all=warning:stderr"));
    // A process that is killed leaves what it unpacked.
    command.add("-Djava.io.tmpdir=" + temporary);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    return command;
  }
}
