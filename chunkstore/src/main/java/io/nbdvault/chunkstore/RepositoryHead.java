package io.nbdvault.chunkstore;

/**
 * How far a repository has come. Whoever remembers it elsewhere notices when an older state of the
 * repository was put back. It is not sealed: it tells of mistakes, not of forgers.
 *
 * @param repositoryId 32 lower-case hex digits
 * @param commits number of the last commit, from 1; it only ever grows
 */
public record RepositoryHead(String repositoryId, long commits) {
  /** Checks the bounds given above. */
  public RepositoryHead {
    Checks.that(
        repositoryId.matches("[0-9a-f]{32}"), "repositoryId", repositoryId, "32 hex digits");
    Checks.that(commits >= 1, "commits", commits, ">= 1");
  }
}
