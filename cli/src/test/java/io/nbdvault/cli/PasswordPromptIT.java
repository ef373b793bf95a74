package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Passwords that a person types, on a terminal that {@code script} makes. */
@Timeout(120)
class PasswordPromptIT {
  private static final String PASSWORD = "pässword-1";

  @TempDir private Path dir;
  private Path repository = Path.of("");

  @BeforeEach
  void placeRepository() {
    repository = dir.resolve("repository");
  }

  @Test
  void asksTwiceForANewPasswordAndOnceForAnOldOneWithoutShowingIt() throws Exception {
    try (Terminal init = new Terminal("-r", repository.toString(), "init", "--encrypt")) {
      init.answer("new password: ", PASSWORD);
      init.answer("the same again: ", PASSWORD + "x");
      init.answer("these differ\r\nnew password: ", PASSWORD);
      init.answer("the same again: ", PASSWORD);
      assertThat(init.end()).as(init.shown()).isZero();
      assertThat(init.shown()).contains("encrypted").doesNotContain("ssword-1");
    }
    assertThat(repository.resolve("keys.json")).exists();
    try (Terminal snapshots = new Terminal("-r", repository.toString(), "snapshots")) {
      snapshots.answer("password of the repository: ", PASSWORD);
      assertThat(snapshots.end()).as(snapshots.shown()).isZero();
      assertThat(snapshots.shown()).contains("there are no snapshots yet");
    }
    try (Terminal wrong = new Terminal("-r", repository.toString(), "snapshots")) {
      wrong.answer("password of the repository: ", "guess");
      assertThat(wrong.end()).isEqualTo(12);
      assertThat(wrong.shown()).contains("Wrong password").doesNotContain("guess");
    }
  }

  @Test
  void givesTheTerminalItsEchoBackWhenItIsInterrupted() throws Exception {
    Path key = Files.write(dir.resolve("key"), new byte[32]);
    TestRun made =
        TestRun.of("-r", "" + repository, "init", "--encrypt", "--key-file", key.toString());
    assertThat(made.code()).as(made.err()).isZero();
    Path settings = dir.resolve("settings");
    String after = "; code=$?; stty -a </dev/tty >" + settings + "; exit $code";
    try (Terminal asked = new Terminal(after, List.of("-r", "" + repository, "snapshots"))) {
      asked.await("password of the repository: ");
      asked.type("\003");
      assertThat(asked.end()).as(asked.shown()).isEqualTo(130);
    }
    assertThat(Files.readString(settings)).contains(" echo ").doesNotContain("-echo ");
  }

  /** The program on a terminal of its own, whose keys are typed here. */
  private final class Terminal implements AutoCloseable {
    private final Process script;
    private final AtomicReference<String> shown = new AtomicReference<>("");
    private final Thread reader = new Thread(this::read, "terminal");
    private int seen;

    Terminal(String... arguments) throws IOException {
      this("", List.of(arguments));
    }

    Terminal(String after, List<String> arguments) throws IOException {
      List<String> command = new ArrayList<>(NbdvaultProcess.command(dir));
      Files.createDirectories(NbdvaultProcess.temporary(dir));
      command.addAll(arguments);
      String line = command.stream().map(word -> "'" + word + "'").collect(Collectors.joining(" "));
      // The shell is to outlive what its terminal's interrupt is for.
      String trapped = "trap : INT; " + line + after;
      script =
          new ProcessBuilder("script", "-qec", trapped, "/dev/null")
              .redirectErrorStream(true)
              .start();
      reader.setDaemon(true);
      reader.start();
    }

    /** Types a line once a question was asked that has not been answered yet. */
    void answer(String question, String line) throws Exception {
      await(question);
      type(line + "\n");
    }

    void await(String text) throws InterruptedException {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (shown().indexOf(text, seen) < 0) {
        assertThat(System.nanoTime() - deadline).as("no '%s' in: %s", text, shown()).isNegative();
        Thread.sleep(10);
      }
      seen = shown().indexOf(text, seen) + text.length();
    }

    void type(String keys) throws IOException {
      OutputStream keyboard = script.getOutputStream();
      keyboard.write(keys.getBytes(StandardCharsets.UTF_8));
      keyboard.flush();
    }

    int end() throws InterruptedException {
      assertThat(script.waitFor(60, TimeUnit.SECONDS)).as(shown()).isTrue();
      reader.join();
      return script.exitValue();
    }

    String shown() {
      return Objects.requireNonNull(shown.get());
    }

    private void read() {
      try (InputStream out = script.getInputStream()) {
        byte[] bytes = new byte[1024];
        for (int n = out.read(bytes); n >= 0; n = out.read(bytes)) {
          show(new String(bytes, 0, n, StandardCharsets.UTF_8));
        }
      } catch (IOException e) {
        show(e.toString());
      }
    }

    private void show(String more) {
      shown.accumulateAndGet(more, String::concat);
    }

    @Override
    public void close() {
      script.descendants().forEach(ProcessHandle::destroyForcibly);
      script.destroyForcibly();
    }
  }
}
