package io.nbdvault.nbd.interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.testkit.Commands;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the reference tools say of an export. */
final class Reference {
  private static final Pattern MAP_LINE = Pattern.compile("(\\d+)\\s+(\\d+)\\s+(\\d+).*");
  private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+)\\.\\d+");
  private static final ObjectMapper JSON = new ObjectMapper();

  private Reference() {}

  static String sha256(NbdUri uri) throws IOException, InterruptedException {
    String pipe = "set -o pipefail; nbdcopy \"$1\" - | sha256sum";
    return Commands.run("bash", "-c", pipe, "bash", uri.toString()).substring(0, 64);
  }

  static List<Range> map(NbdUri uri, String context) throws IOException, InterruptedException {
    List<Range> ranges = new ArrayList<>();
    for (String line :
        Commands.run("nbdinfo", "--map=" + context, uri.toString()).split("\n", -1)) {
      Matcher matcher = MAP_LINE.matcher(line.strip());
      if (matcher.matches()) {
        Range.append(
            ranges,
            new Range(
                Long.parseLong(matcher.group(1)),
                Long.parseLong(matcher.group(2)),
                Long.parseLong(matcher.group(3))));
      }
    }
    return ranges;
  }

  /** What nbdinfo prints of one export, {@code exports} being a list of one. */
  static JsonNode info(NbdUri uri) throws IOException, InterruptedException {
    return JSON.readTree(Commands.run("nbdinfo", "--json", "--no-content", uri.toString()));
  }

  /** What nbdinfo prints of all of a server's exports. */
  static JsonNode list(NbdUri uri) throws IOException, InterruptedException {
    return JSON.readTree(
        Commands.run("nbdinfo", "--list", "--json", "--no-content", uri.toString()));
  }

  /** Whether the installed qemu-nbd has extended headers: since 8.2. */
  static boolean qemuHasExtendedHeaders() throws IOException, InterruptedException {
    String printed = Commands.run("qemu-nbd", "--version");
    Matcher version = VERSION.matcher(printed);
    if (!version.find()) {
      throw new IOException("qemu-nbd --version: " + printed);
    }
    int major = Integer.parseInt(version.group(1));
    return major > 8 || (major == 8 && Integer.parseInt(version.group(2)) >= 2);
  }

  static void qemuImg(Object... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("qemu-img"));
    for (Object arg : args) {
      command.add(arg.toString());
    }
    Commands.run(command.toArray(String[]::new));
  }

  /** Changes an image with commands such as {@code write -P 1 0 2M}. */
  static void qemuIo(Path image, String... commands) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("qemu-io"));
    for (String one : commands) {
      command.add("-c");
      command.add(one);
    }
    command.add(image.toString());
    Commands.run(command.toArray(String[]::new));
  }
}
