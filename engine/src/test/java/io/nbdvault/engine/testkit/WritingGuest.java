package io.nbdvault.engine.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.qmp.testkit.QemuVm;
import io.nbdvault.qmp.testkit.QemuVmBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * The tiny Linux of guest/README.md, whose writers write through their devices as any guest does.
 * What it says on its serial console is the only thing it is asked.
 */
public final class WritingGuest {
  private static final Path TARGET = Path.of("..", "guest", "target").toAbsolutePath().normalize();
  private static final Pattern PROGRESS =
      Pattern.compile(
          "^WRITER dev=(\\w+) seed=(\\d+) offset=\\d+ n=(\\d+)\\s*$", Pattern.MULTILINE);
  private static final Duration PROGRESS_MAX = Duration.ofSeconds(60);
  private static final long POLL_MILLIS = 20;

  private final Path directory;
  private final Path console;
  private final String spec;

  private WritingGuest(Path directory, String spec) throws IOException {
    this.directory = directory;
    this.console = Files.createTempFile(directory, "serial", ".log");
    this.spec = spec;
  }

  /**
   * A guest whose writers are to run as soon as it is up.
   *
   * @param directory existing directory for its files
   * @param specs one for each writer, as {@link GuestWrites#spec} makes them
   */
  public static WritingGuest of(Path directory, String... specs) throws IOException {
    return new WritingGuest(directory, String.join(",", specs));
  }

  /** A VM that boots this guest; its first virtio disk is {@code vda}, the second {@code vdb}. */
  public QemuVmBuilder vm() {
    return QemuVm.builder(directory)
        .machine("pc")
        .memoryMib(256)
        .paused(false)
        .args(
            "-no-reboot",
            "-kernel",
            built("vmlinuz"),
            "-initrd",
            built("initrd.img"),
            "-append",
            "console=ttyS0 quiet tsc=reliable no_timer_check mitigations=off"
                + " nbdvault.mode=writers nbdvault.spec="
                + spec,
            "-serial",
            "file:" + console.toString().replace(",", ",,"));
  }

  private static String built(String name) {
    Path file = TARGET.resolve(name);
    if (!Files.isReadable(file)) {
      throw new AssertionError(
          file + " does not exist: run guest/build, which makes the guest of this test");
    }
    return file.toString();
  }

  /** The number of the last write on a disk that the guest has said was acknowledged, or 0. */
  public long acknowledged(String disk, GuestWrites writes) throws IOException {
    long last = 0;
    for (MatchResult line : PROGRESS.matcher(said()).results().toList()) {
      if (line.group(1).equals(disk) && Long.parseLong(line.group(2)) == writes.seed()) {
        last = Long.parseLong(line.group(3));
      }
    }
    return last;
  }

  /** Waits until a writer has said that write {@code n} was acknowledged. */
  public void awaitWrite(String disk, GuestWrites writes, long n)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PROGRESS_MAX.toNanos();
    while (acknowledged(disk, writes) < n) {
      assertNoError();
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("write " + n + " of " + writes + " did not come: " + said());
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  /** Waits until a writer has gone on by {@code more} writes from where it is. */
  public void awaitMore(String disk, GuestWrites writes, long more)
      throws IOException, InterruptedException {
    awaitWrite(disk, writes, acknowledged(disk, writes) + more);
  }

  /** Asserts that no writer has seen an error, and nothing was missing. */
  public void assertNoError() throws IOException {
    List<String> errors = said().lines().filter(line -> line.contains("ERROR")).toList();
    assertThat(errors).as("errors that the guest saw").isEmpty();
    Optional<String> panic = said().lines().filter(line -> line.contains("panic")).findFirst();
    assertThat(panic).as("the guest's kernel").isEmpty();
  }

  private String said() throws IOException {
    return Files.readString(console);
  }
}
