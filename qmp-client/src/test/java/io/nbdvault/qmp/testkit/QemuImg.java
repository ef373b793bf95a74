package io.nbdvault.qmp.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** {@code qemu-img}. Every call fails, with what the program said, unless it succeeded. */
public final class QemuImg {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Duration RUN_MAX = Duration.ofMinutes(2);

  private QemuImg() {}

  /** Creates an image; options as {@code cluster_size=64k}. */
  public static void create(Path image, String format, long sizeBytes, String... options)
      throws IOException {
    List<String> args = new ArrayList<>(List.of("create", "-q", "-f", format));
    if (options.length > 0) {
      args.addAll(List.of("-o", String.join(",", options)));
    }
    args.addAll(List.of(image.toString(), Long.toString(sizeBytes)));
    run(args);
  }

  /** Creates a qcow2 overlay of the backing image's size. */
  public static void createOverlay(Path image, Path backing, String backingFormat)
      throws IOException {
    run(
        List.of(
            "create",
            "-q",
            "-f",
            "qcow2",
            "-b",
            backing.toString(),
            "-F",
            backingFormat,
            image.toString()));
  }

  /** Copies an image into another format. */
  public static void convert(Path from, String fromFormat, Path to, String toFormat)
      throws IOException {
    run(List.of("convert", "-f", fromFormat, "-O", toFormat, from.toString(), to.toString()));
  }

  /** Returns whether a guest would see the same content in both. */
  public static boolean sameContent(Path a, String formatA, Path b, String formatB)
      throws IOException {
    Result result =
        execute(List.of("compare", "-f", formatA, "-F", formatB, a.toString(), b.toString()));
    if (result.exitCode > 1) {
      throw new IOException(result.description);
    }
    return result.exitCode == 0;
  }

  /** Fails, saying where, unless a guest would see the same content in both. */
  public static void compare(Path a, String formatA, Path b, String formatB) throws IOException {
    run(List.of("compare", "-f", formatA, "-F", formatB, a.toString(), b.toString()));
  }

  /** Returns {@code qemu-img info --output=json}, also of an image in use. */
  public static JsonNode info(Path image) throws IOException {
    return MAPPER.readTree(run(List.of("info", "-U", "--output=json", image.toString())));
  }

  /** Changes the virtual size; shrinking is allowed. */
  public static void resize(Path image, String format, long sizeBytes) throws IOException {
    run(
        List.of(
            "resize", "-q", "--shrink", "-f", format, image.toString(), Long.toString(sizeBytes)));
  }

  /** Returns the names of the bitmaps stored in a qcow2 image. */
  public static List<String> bitmaps(Path image) throws IOException {
    List<String> names = new ArrayList<>();
    for (JsonNode bitmap : info(image).path("format-specific").path("data").path("bitmaps")) {
      names.add(bitmap.path("name").asText());
    }
    return List.copyOf(names);
  }

  /** Fails unless the qcow2 image's metadata is sound. */
  public static void check(Path image) throws IOException {
    run(List.of("check", "-q", "-f", "qcow2", image.toString()));
  }

  /** Runs any other subcommand; returns its standard output. */
  public static String run(List<String> args) throws IOException {
    Result result = execute(args);
    if (result.exitCode != 0) {
      throw new IOException(result.description);
    }
    return result.stdout;
  }

  private record Result(int exitCode, String stdout, String description) {}

  private static Result execute(List<String> args) throws IOException {
    List<String> command = new ArrayList<>(List.of("qemu-img"));
    command.addAll(args);
    Path dir = Files.createTempDirectory("qemu-img");
    try {
      ChildProcess process = ChildProcess.start(dir, "qemu-img", command);
      int exitCode = process.waitFor(RUN_MAX);
      return new Result(exitCode, process.stdout(), process.describe("qemu-img " + args.get(0)));
    } finally {
      try (Stream<Path> output = Files.list(dir)) {
        for (Path file : output.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(dir);
    }
  }
}
