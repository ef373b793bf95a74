package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.NoRepositoryException;
import io.nbdvault.chunkstore.RepositoryInUseException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobException.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ErrorReportTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Surroundings surroundings = TestRun.surroundings(out, err, Map.of());

  static Stream<Arguments> errors() {
    return Stream.of(
        Arguments.of(new JobException(Kind.FAILED, "no"), 1, "no"),
        Arguments.of(new JobException(Kind.BAD_REQUEST, "no disk 'x'"), 2, "no disk 'x'"),
        Arguments.of(new JobException(Kind.PARTIAL, "vda failed"), 3, "vda failed"),
        Arguments.of(
            new NoRepositoryException("/r"),
            10,
            "There is no repository at /r. Make one with: nbdvault -r REPO init"),
        Arguments.of(
            new RepositoryInUseException("/r", OptionalLong.of(42)),
            11,
            "The repository /r is in use by process 42."),
        Arguments.of(new JobException(Kind.VM_BUSY, "busy"), 13, "busy"),
        Arguments.of(new JobException(Kind.CANCELLED, "interrupted"), 130, "interrupted"),
        Arguments.of(new InterruptedException(), 130, "interrupted"),
        Arguments.of(new StoreFailedException("broken", null), 1, "broken"),
        Arguments.of(new IOException("line\nbreak"), 1, "line break"),
        Arguments.of(new NoSuchFileException("/x"), 1, "/x: no such file or directory"),
        Arguments.of(new AccessDeniedException("/x"), 1, "/x: permission denied"),
        Arguments.of(new FileSystemException("/x", null, "Read-only"), 1, "/x: Read-only"),
        Arguments.of(
            new IllegalStateException("oops"),
            1,
            "this is a bug in nbdvault, please report it with what -v shows:"
                + " java.lang.IllegalStateException: oops"));
  }

  @ParameterizedTest
  @MethodSource("errors")
  void tellsAnErrorInOneLineAndAnExitCode(Exception error, int code, String sentence) {
    assertThat(new ErrorReport(surroundings, false).failed(error, false)).isEqualTo(code);
    assertThat(text(err)).isEqualTo("nbdvault: " + sentence + "\n");
    assertThat(text(out)).isEmpty();
  }

  @Test
  void tellsAProgramTheSame() {
    int code = new ErrorReport(surroundings, true).failed(new IOException("no"), false);

    assertThat(code).isEqualTo(1);
    assertThat(text(err)).isEqualTo("nbdvault: no\n");
    assertThat(text(out))
        .isEqualTo("{\"v\":1,\"event\":\"error\",\"code\":1,\"message\":\"no\"}\n");
  }

  @Test
  void showsWhereAnErrorCameFromWhenVerbose() {
    int unused = new ErrorReport(surroundings, false).failed(new IOException("no"), true);

    assertThat(text(err)).startsWith("nbdvault: no\n").contains("at io.nbdvault.cli.ErrorReport");
  }

  @Test
  void takesAnyErrorAfterASignalForTheInterruption() {
    surroundings.cancellation().cancel();

    int code = new ErrorReport(surroundings, false).failed(new IOException("closed"), false);

    assertThat(code).isEqualTo(130);
    assertThat(text(err)).isEqualTo("nbdvault: interrupted: closed\n");
  }

  @Test
  void keepsTellingThatASnapshotIsSafeAfterASignal() {
    surroundings.cancellation().cancel();

    int code =
        new ErrorReport(surroundings, false)
            .failed(new JobException(Kind.PARTIAL, "snapshot is safe"), false);

    assertThat(code).isEqualTo(3);
  }

  @Test
  void takesNoFailureOfAJobForASignal() {
    surroundings.cancellation().fail(JobException.failed("disk"));

    int code = new ErrorReport(surroundings, false).failed(new IOException("closed"), false);

    assertThat(code).isEqualTo(1);
  }

  private static String text(ByteArrayOutputStream bytes) {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
