package io.nbdvault.cli.nbd;

import java.io.UncheckedIOException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** What went wrong, without the wrapping that futures put around it. */
final class Failures {
  private Failures() {}

  static Throwable unwrap(Throwable failure) {
    Throwable inner = failure;
    while (inner.getCause() != null
        && (inner instanceof CompletionException
            || inner instanceof ExecutionException
            || inner instanceof UncheckedIOException)) {
      inner = inner.getCause();
    }
    return inner;
  }
}
