package io.nbdvault.cli.nbd;

import io.nbdvault.engine.JobException;
import io.nbdvault.nbd.NbdUri;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** An end of a copy, as it was named. */
public sealed interface CopyPlace {
  /** An export. */
  record Export(NbdUri uri) implements CopyPlace {}

  /** A file, a device, or a pipe with a name. */
  record Local(Path path) implements CopyPlace {}

  /** This process's own input or output. */
  record Standard() implements CopyPlace {}

  /** Where data is thrown away. */
  record Nowhere() implements CopyPlace {}

  /** Reads {@code -}, {@code null:}, a URI of any NBD scheme, or else a path. */
  static CopyPlace parse(String text) throws JobException {
    if (text.equals("-")) {
      return new Standard();
    }
    if (text.equals("null:")) {
      return new Nowhere();
    }
    try {
      return Scheme.PATTERN.matcher(text).matches()
          ? new Export(NbdUri.parse(text))
          : new Local(Path.of(text));
    } catch (InvalidPathException e) {
      throw JobException.badRequest("'" + text + "' is no path: " + e.getReason());
    } catch (IllegalArgumentException e) {
      throw JobException.badRequest(JobException.sentence(e));
    }
  }

  /** What a URI begins with. */
  final class Scheme {
    private static final Pattern PATTERN = Pattern.compile("(?s)nbds?(\\+[a-z]*)?://.*");

    private Scheme() {}
  }
}
