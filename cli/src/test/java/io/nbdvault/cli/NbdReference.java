package io.nbdvault.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.testkit.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What libnbd's tools say and do. */
final class NbdReference {
  private static final Pattern SNAKE = Pattern.compile("_([a-z])");

  private NbdReference() {}

  static String nbdinfo(NbdUri uri, String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("nbdinfo"));
    command.addAll(List.of(options));
    command.add(uri.toString());
    return Commands.run(command.toArray(String[]::new));
  }

  static JsonNode nbdinfoJson(NbdUri uri, String... options)
      throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of(options));
    all.add("--json");
    return new ObjectMapper().readTree(nbdinfo(uri, all.toArray(String[]::new)));
  }

  /** {@code can_multi_conn} as {@code canMultiConn}. */
  static String camelCase(String name) {
    return SNAKE.matcher(name).replaceAll(match -> match.group(1).toUpperCase(Locale.ROOT));
  }

  /** Of the whole export, as nbdcopy reads it. */
  static String sha256(NbdUri uri) throws IOException, InterruptedException {
    String pipe = "set -o pipefail; nbdcopy \"$1\" - | sha256sum";
    return Commands.run("bash", "-c", pipe, "bash", uri.toString()).substring(0, 64);
  }

  static String sha256(Path file) throws IOException, NoSuchAlgorithmException {
    return HexFormat.of()
        .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
  }

  /** What a file takes on its disk. */
  static long allocatedBytes(Path file) throws IOException, InterruptedException {
    return Long.parseLong(Commands.run("stat", "-c", "%b", file.toString()).strip()) * 512;
  }

  /** How many bytes of an export nbdinfo says are data. */
  static long dataBytes(NbdUri uri) throws IOException, InterruptedException {
    return nbdinfo(uri, "--map", "--totals")
        .lines()
        .filter(line -> line.endsWith(" data"))
        .map(line -> line.strip().split(" ", 2)[0])
        .collect(Collectors.summingLong(Long::parseLong));
  }
}
