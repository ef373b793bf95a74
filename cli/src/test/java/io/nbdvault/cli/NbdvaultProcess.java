package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.engine.testkit.LauncherOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The program as its user runs it: a process of its own, with the JVM options of {@code
 * bin/nbdvault}, whose output, exit code and death are all that is seen of it. It dies with this
 * JVM.
 */
final class NbdvaultProcess implements AutoCloseable {
  private static final Duration DAEMON_END_MAX = Duration.ofSeconds(20);

  /** What a shell shows for a process that SIGKILL has ended. */
  static final int KILLED = 128 + 9;

  private static final Duration RUN_MAX = Duration.ofSeconds(60);
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Map<String, String> NATIVE_LIBRARIES =
      Map.of(
          "librocksdbjni-linux64.so",
          "librocksdbjni-linux64.so",
          "net/jpountz/util/linux/amd64/liblz4-java.so",
          "liblz4-java.so",
          "META-INF/native/libnetty_transport_native_epoll_x86_64.so",
          "libnetty_transport_native_epoll_x86_64.so");

  private final List<String> arguments;
  private final Process process;
  private final Path stderr;
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final long startNanos = System.nanoTime();
  private final Thread reader;
  private final Thread killer;
  private volatile @Nullable Exception listenerFailure;

  /** Hears each line of stdout, on a thread of its own; what it throws, {@link #await} throws. */
  interface Listener {
    void onLine(NbdvaultProcess process, String line) throws Exception;

    /** This one, and then another. */
    default Listener and(Listener other) {
      return (process, line) -> {
        onLine(process, line);
        other.onLine(process, line);
      };
    }
  }

  /** What is done with a running program. */
  interface Action {
    void on(NbdvaultProcess process) throws Exception;
  }

  /** How a run ended. */
  record Result(int exitCode, List<String> stdout, String stderr, Duration took) {
    /** The lines of stdout as JSON. */
    List<JsonNode> events() {
      return stdout.stream().map(NbdvaultProcess::parse).toList();
    }
  }

  private NbdvaultProcess(List<String> arguments, Process process, Path stderr, Listener onLine) {
    this.arguments = arguments;
    this.process = process;
    this.stderr = stderr;
    this.reader = new Thread(() -> read(onLine), "nbdvault-stdout");
    this.reader.setDaemon(true);
    this.killer = new Thread(process::destroyForcibly);
  }

  /**
   * Starts the program.
   *
   * @param directory gets its stderr, and {@link #temporary} in it whatever it makes in {@code
   *     /tmp}
   */
  static NbdvaultProcess start(Path directory, String... arguments) throws IOException {
    return start(directory, (process, line) -> {}, List.of(arguments));
  }

  /**
   * Starts the program.
   *
   * @param onLine called with each line of stdout as soon as it is there
   */
  static NbdvaultProcess start(Path directory, Listener onLine, List<String> arguments)
      throws IOException {
    Files.createDirectories(temporary(directory));
    Path stderr = Files.createTempFile(directory, "nbdvault", ".err");
    List<String> command = command(directory);
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectError(stderr.toFile());
    builder.environment().putAll(LauncherOptions.malloc());
    builder.environment().remove(NbdvaultCommand.REPOSITORY_VARIABLE);
    builder.environment().put(LastSeen.DIRECTORY_VARIABLE, stderr + ".state");
    NbdvaultProcess started =
        new NbdvaultProcess(List.copyOf(arguments), builder.start(), stderr, onLine);
    Runtime.getRuntime().addShutdownHook(started.killer);
    started.reader.start();
    return started;
  }

  /** Runs the program to its end. */
  static Result run(Path directory, String... arguments) throws IOException, InterruptedException {
    try (NbdvaultProcess process = start(directory, arguments)) {
      return process.await(RUN_MAX);
    }
  }

  /** Asserts that what the program has started ends soon after it. */
  static void assertNoDaemonStays(Path directory) throws InterruptedException {
    String ours = temporary(directory).toString();
    long deadline = System.nanoTime() + DAEMON_END_MAX.toNanos();
    while (ProcessHandle.allProcesses()
        .anyMatch(process -> process.info().commandLine().orElse("").contains(ours))) {
      assertThat(System.nanoTime() - deadline).as("a daemon still runs").isNegative();
      Thread.sleep(10);
    }
  }

  /** The directory that a program started for {@code directory} has in place of {@code /tmp}. */
  static Path temporary(Path directory) {
    return directory.resolve("tmp");
  }

  /** What starts the program; its arguments are to follow. */
  static List<String> command(Path directory) throws IOException {
    List<String> command = new ArrayList<>();
    // A test run in the background of a script would hand on that SIGINT is ignored.
    command.addAll(List.of("env", "--default-signal"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(LauncherOptions.jvm());
    // Quicker to start, which is most of what such a process does.
    command.add("-XX:TieredStopAtLevel=1");
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED");
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    command.add("-Djava.library.path=" + Natives.DIRECTORY);
    command.add("-Djava.io.tmpdir=" + temporary(directory));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    return command;
  }

  /** As the launcher does: else each start unpacks them anew, and leaves them there if killed. */
  private static final class Natives {
    static final Path DIRECTORY = unpack();

    private static Path unpack() {
      try {
        Path directory = Files.createDirectories(Path.of("target", "native").toAbsolutePath());
        for (Map.Entry<String, String> library : NATIVE_LIBRARIES.entrySet()) {
          unpack(library.getKey(), directory.resolve(library.getValue()));
        }
        return directory;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static void unpack(String resource, Path file) throws IOException {
      try (InputStream in = Main.class.getClassLoader().getResourceAsStream(resource)) {
        if (in != null && !Files.exists(file)) {
          // Another JVM of tests may be at it too.
          Path whole = Files.createTempFile(file.getParent(), "unpacked", null);
          Files.copy(in, whole, StandardCopyOption.REPLACE_EXISTING);
          Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
        }
      }
    }
  }

  private void read(Listener onLine) {
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        lines.add(line);
        onLine.onLine(this, line);
      }
    } catch (Exception e) {
      listenerFailure = e;
    }
  }

  /** A line of stdout, which must be a JSON object. */
  static JsonNode parse(String line) {
    try {
      JsonNode json = MAPPER.readTree(line);
      if (!json.isObject()) {
        throw new AssertionError("not a JSON object: " + line);
      }
      return json;
    } catch (IOException e) {
      throw new AssertionError("not JSON: " + line, e);
    }
  }

  /** Calls {@code action} at the first {@code --json} event of that name. */
  static Listener at(String event, Action action) {
    boolean[] done = new boolean[1];
    return (process, line) -> {
      if (!done[0] && parse(line).path("event").asText().equals(event)) {
        done[0] = true;
        action.on(process);
      }
    };
  }

  /** Waits until the program has told an event of that name with {@code --json}. */
  void awaitEvent(String name, Duration max) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + max.toNanos();
    while (lines.stream().noneMatch(line -> parse(line).path("event").asText().equals(name))) {
      if (!process.isAlive() || System.nanoTime() - deadline > 0) {
        throw new AssertionError(describe("no event " + name));
      }
      Thread.sleep(1);
    }
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** SIGKILL, at once; of what the program has started nothing is touched. */
  void kill() {
    // Process.destroyForcibly would also throw away what has been printed.
    boolean unused = process.toHandle().destroyForcibly();
  }

  /** Sends a signal, such as {@code INT}. */
  void signal(String name) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(pid())).inheritIO().start();
    if (kill.waitFor() != 0) {
      throw new AssertionError(describe("kill -" + name + " failed"));
    }
  }

  /** Waits for the end. */
  Result await(Duration max) throws IOException, InterruptedException {
    if (!process.waitFor(max.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new AssertionError(describe("still running after " + max.toSeconds() + " s"));
    }
    Duration took = Duration.ofNanos(System.nanoTime() - startNanos);
    reader.join(max.toMillis());
    Exception failure = listenerFailure;
    if (failure != null) {
      throw new AssertionError(describe("the listener failed"), failure);
    }
    return new Result(process.exitValue(), List.copyOf(lines), Files.readString(stderr), took);
  }

  /** Waits for the end, which must come with that code. */
  Result awaitExit(int code, Duration max) throws IOException, InterruptedException {
    Result result = await(max);
    if (result.exitCode() != code) {
      throw new AssertionError(describe("exit code " + result.exitCode() + ", not " + code));
    }
    return result;
  }

  private String describe(String what) throws IOException {
    return what
        + "\narguments: "
        + String.join(" ", arguments)
        + "\nstdout: "
        + String.join("\n", lines)
        + "\nstderr: "
        + Files.readString(stderr);
  }

  /** Kills it if it still runs. */
  @Override
  public void close() {
    process.destroyForcibly();
    try {
      if (!process.waitFor(RUN_MAX.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("SIGKILL did not end " + pid());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try {
      boolean unused = Runtime.getRuntime().removeShutdownHook(killer);
    } catch (IllegalStateException e) {
      // The JVM is ending: the hook runs, and finds the process gone.
      return;
    }
  }

  /** The first event of that name, which must be there. */
  static JsonNode event(Result result, String name) {
    @Nullable JsonNode found = null;
    for (JsonNode event : result.events()) {
      if (found == null && event.path("event").asText().equals(name)) {
        found = event;
      }
    }
    if (found == null) {
      throw new AssertionError("no event " + name + " in " + result);
    }
    return found;
  }
}
