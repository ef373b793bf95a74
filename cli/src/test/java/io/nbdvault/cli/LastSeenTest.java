package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An older state of a repository that was put back. */
class LastSeenTest {
  private static final byte[] CHUNK = {1, 2, 3};

  @TempDir private Path dir;
  private Path repository = Path.of("");
  private Path state = Path.of("");

  @BeforeEach
  void create() throws StoreException {
    repository = dir.resolve("repository");
    state = dir.resolve("state");
    Repositories.create(repository, RepositoryOptions.defaults());
  }

  private TestRun run(Map<String, String> environment, String... args) {
    TestRun run = TestRun.with(environment, args);
    assertThat(run.code()).as(run.err()).isZero();
    return run;
  }

  private TestRun snapshots(String... options) {
    Stream<String> args = Stream.of("-r", repository.toString(), "snapshots");
    return run(
        Map.of(LastSeen.DIRECTORY_VARIABLE, state.toString()),
        Stream.concat(args, Stream.of(options)).toArray(String[]::new));
  }

  private void commit() throws StoreException {
    try (ChunkStore store = Repositories.open(repository)) {
      StoredSnapshots.commitAt(
          store, "web", Instant.parse("2026-11-10T03:00:00Z"), CHUNK.length, CHUNK);
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : paths.toList()) {
        Files.copy(path, to.resolve(from.relativize(path)));
      }
    }
  }

  private void putBackAnOlderState() throws IOException, StoreException {
    Path older = dir.resolve("older");
    copy(repository, older);
    commit();
    assertThat(snapshots().err()).isEmpty();
    Files.move(repository, dir.resolve("newer"));
    Files.move(older, repository);
  }

  @Test
  void warnsAsLongAsARepositoryIsOlderThanItWas() throws IOException, StoreException {
    putBackAnOlderState();

    assertThat(snapshots().err())
        .startsWith("nbdvault: warning: the repository is older than when it was");
    assertThat(snapshots("--json").event("warning").path("message").textValue())
        .startsWith("the repository is older than when it was");
    assertThat(snapshots().err()).startsWith("nbdvault: warning: ");
    for (int i = 0; i < 3; i++) {
      commit();
    }
    assertThat(snapshots().err()).isEmpty();
  }

  @Test
  void believesWhoDeletesWhatWasRemembered() throws IOException, StoreException {
    putBackAnOlderState();
    String warning = snapshots().err().lines().findFirst().orElseThrow();

    Files.delete(Path.of(warning.substring(warning.lastIndexOf(' ') + 1)));

    assertThat(snapshots().err()).doesNotContain("older");
    assertThat(snapshots().err()).doesNotContain("older");
  }

  @Test
  void remembersWhatACommandItselfHasCommitted() throws IOException, StoreException {
    commit();
    Path older = dir.resolve("older");
    copy(repository, older);
    Map<String, String> environment = Map.of("HOME", dir.toString());
    run(environment, "-r", repository.toString(), "forget", "web@latest");
    Files.move(repository, dir.resolve("newer"));
    Files.move(older, repository);

    TestRun run = run(environment, "-r", repository.toString(), "snapshots");

    assertThat(run.err()).startsWith("nbdvault: warning: the repository is older");
    assertThat(run.err()).contains(dir.resolve(".local/state/nbdvault") + "/");
  }

  @Test
  void failsNothingWhereItCannotRememberOrRead() throws IOException, StoreException {
    commit();
    snapshots();
    List<Path> files;
    try (Stream<Path> list = Files.list(state)) {
      files = list.toList();
    }
    assertThat(files).hasSize(1);
    Files.writeString(files.get(0), "no number\n");
    assertThat(snapshots().out()).contains("web");

    Files.delete(files.get(0));
    Files.delete(state);
    Files.writeString(state, "not a directory");
    assertThat(snapshots().out()).contains("web");
  }
}
