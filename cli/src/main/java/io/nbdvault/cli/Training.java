package io.nbdvault.cli;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Does what is mostly done, once, so that the JVM sees the classes for it and what of them is used
 * most. Run by the launcher as it makes the class archive (docs/decisions/0001-fast-start.md), in a
 * directory that has a {@code password}, a {@code disk} to back up and, if there is a QEMU, the
 * {@code socket} of its monitor. What fails is left out: it only starts slower.
 */
final class Training {
  private static final PrintStream NOWHERE =
      new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);

  private Training() {}

  /** Runs the commands, with the name of the directory as the only argument. */
  public static void main(String[] args) {
    Path directory = Path.of(args[0]);
    String plain = directory.resolve("plain").toString();
    String sealed = directory.resolve("sealed").toString();
    String password = directory.resolve("password").toString();
    String image = "disk=" + directory.resolve("disk") + ",format=raw";
    String socket = directory.resolve("socket").toString();
    run("-r", plain, "init");
    run("-r", plain, "backup", "vm", "--qmp", socket); // In full,
    run("-r", plain, "-q", "backup", "vm", "--qmp", socket); // and what has changed.
    run("-r", plain, "backup", "image", "--image", image);
    run("-r", plain, "snapshots");
    run("-r", plain, "verify");
    run("-r", plain, "restore", "image@latest", "--to", directory.resolve("restored").toString());
    run("-r", sealed, "--password-file", password, "init", "--encrypt");
    run("-r", sealed, "--password-file", password, "backup", "image", "--image", image);
    run("-r", sealed, "--password-file", password, "snapshots");
    run("--version");
  }

  private static void run(String... args) {
    int unused = Main.run(NOWHERE, NOWHERE, args);
  }
}
