package io.nbdvault.cli;

import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryHead;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far this user has seen each repository come, outside of the repositories: so a repository
 * that was exchanged for an older copy of itself is noticed. One small file for each, in {@code
 * $NBDVAULT_STATE}, or {@code nbdvault} in {@code $XDG_STATE_HOME} or {@code ~/.local/state}.
 */
final class LastSeen {
  /** Names the directory. */
  static final String DIRECTORY_VARIABLE = "NBDVAULT_STATE";

  /** The home directory, where nothing else is named. */
  static final String HOME_VARIABLE = "HOME";

  private static final String STATE_VARIABLE = "XDG_STATE_HOME";
  private static final int FILE_CHARS_MAX = 20;

  private static final Logger LOG = LoggerFactory.getLogger(LastSeen.class);

  private final Optional<Path> directory;

  LastSeen(Map<String, String> environment) {
    this.directory =
        named(environment, DIRECTORY_VARIABLE)
            .or(() -> named(environment, STATE_VARIABLE).map(state -> state.resolve("nbdvault")))
            .or(
                () ->
                    named(environment, HOME_VARIABLE)
                        .map(home -> home.resolve(".local/state/nbdvault")));
  }

  private static Optional<Path> named(Map<String, String> environment, String variable) {
    return Optional.of(environment.getOrDefault(variable, ""))
        .filter(value -> !value.isEmpty())
        .map(Path::of);
  }

  /** A sentence to warn with if the repository had come further when it was last seen. */
  Optional<String> warning(Path repository) {
    return head(repository).flatMap(this::warning);
  }

  private Optional<String> warning(RepositoryHead head) {
    Optional<Path> file = file(head);
    OptionalLong seen = file.isPresent() ? read(file.get()) : OptionalLong.empty();
    if (seen.isEmpty() || seen.getAsLong() <= head.commits()) {
      return Optional.empty();
    }
    return Optional.of(
        "the repository is older than when it was last used from here: commit "
            + head.commits()
            + ", and it had come to "
            + seen.getAsLong()
            + ". Snapshots may be missing, and forgotten ones or removed keys be back. If an older"
            + " copy was put back on purpose, delete "
            + file.get());
  }

  /** Remembers how far a repository has come, unless it had come further. */
  void remember(Path repository) {
    head(repository)
        .ifPresent(
            head ->
                file(head)
                    .filter(file -> read(file).orElse(0) < head.commits())
                    .ifPresent(file -> write(file, head.commits())));
  }

  private static Optional<RepositoryHead> head(Path repository) {
    try {
      return Repositories.head(repository);
    } catch (StoreException e) {
      // The command that wants to use it says so.
      LOG.debug("repository={} head=unknown", repository, e);
      return Optional.empty();
    }
  }

  private Optional<Path> file(RepositoryHead head) {
    return directory.map(path -> path.resolve("seen-" + head.repositoryId()));
  }

  private static OptionalLong read(Path file) {
    try {
      String text = Files.readString(file).strip();
      if (text.length() <= FILE_CHARS_MAX) {
        return OptionalLong.of(Long.parseLong(text));
      }
      LOG.warn("seen={} unreadable=true", file);
    } catch (NoSuchFileException e) {
      LOG.debug("seen={} there=false", file);
    } catch (IOException | NumberFormatException e) {
      LOG.warn("seen={} unreadable=true", file, e);
    }
    return OptionalLong.empty();
  }

  /** A backup must not fail for it. */
  private static void write(Path file, long commits) {
    try {
      Path directory = file.toAbsolutePath().getParent();
      Files.createDirectories(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      Path part = Files.createTempFile(directory, "seen-", ".part");
      Files.writeString(part, commits + "\n");
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      LOG.warn("seen={} written=false", file, e);
    }
  }
}
