package io.nbdvault.cli.nbd;

import java.io.UncheckedIOException;
import java.util.concurrent.CompletionException;

/** What went wrong, without the wrapping that futures put around it. */
final class Failures {
  private Failures() {}

  static Throwable unwrap(Throwable failure) {
    Throwable inner = failure;
    while (inner.getCause() != null
        && (inner instanceof CompletionException || inner instanceof UncheckedIOException)) {
      inner = inner.getCause();
    }
    return inner;
  }
}
