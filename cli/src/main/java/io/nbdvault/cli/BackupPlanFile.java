package io.nbdvault.cli;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file with a plan of backups, read but not understood yet. YAML, and so JSON too:
 *
 * <pre>{@code
 * parallel: 2
 * vms:
 *   - vm: web1
 *     qmp: /run/web1.qmp
 *     tag: {reason: nightly}
 *   - vm: db2
 *     image: ["vda=/vm/db2.qcow2,format=qcow2"]
 *     full: true
 * gc: true
 * restores:
 *   - snapshot: web1@latest
 *     to: /vm/test.raw
 * }</pre>
 *
 * @param path of the file
 * @param parallel as it stands there
 * @param gc as it stands there
 * @param vms in the order of the file
 * @param restores likewise
 */
record BackupPlanFile(
    Path path,
    Optional<String> parallel,
    Optional<String> gc,
    List<Entry> vms,
    List<Entry> restores) {
  private static final int BYTES_MAX = 1 << 20;
  private static final int ENTRIES_MAX = 1000;
  private static final int VALUES_MAX = 1000;

  /**
   * A VM that is backed up, or a snapshot that is restored.
   *
   * @param name of the VM, or what the snapshot is named by
   * @param line of the file where it begins
   * @param settings what is said of it beside its name
   */
  record Entry(String name, int line, List<Setting> settings) {
    Entry {
      settings = List.copyOf(settings);
    }
  }

  /**
   * An option and its values. A value is the text in the file, whatever YAML takes it for; those of
   * a mapping are {@code NAME=VALUE}.
   */
  record Setting(String name, List<String> values) {
    Setting {
      values = List.copyOf(values);
    }
  }

  BackupPlanFile {
    vms = List.copyOf(vms);
    restores = List.copyOf(restores);
  }

  /**
   * Reads a file.
   *
   * @throws JobException of kind {@code BAD_REQUEST} if it is not there or is no such file, with
   *     the line
   */
  static BackupPlanFile read(Path path) throws IOException, JobException {
    if (Files.isDirectory(path)) {
      throw JobException.badRequest(path + ": is a directory");
    }
    byte[] bytes;
    try (var in = Files.newInputStream(path)) {
      bytes = in.readNBytes(BYTES_MAX + 1);
    } catch (NoSuchFileException e) {
      throw JobException.badRequest(path + ": no such file");
    }
    if (bytes.length > BYTES_MAX) {
      throw JobException.badRequest(path + ": longer than " + BYTES_MAX + " bytes");
    }
    YAMLFactory factory =
        YAMLFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    try (YAMLParser parser = factory.createParser(new String(bytes, StandardCharsets.UTF_8))) {
      return new Reading(path, parser).plan();
    } catch (JacksonException e) {
      throw refused(path, e.getLocation() == null ? 1 : e.getLocation().getLineNr(), firstLine(e));
    }
  }

  private static String firstLine(JacksonException e) {
    String message = String.valueOf(e.getOriginalMessage());
    String first = message.lines().findFirst().orElse("it cannot be read");
    return first.startsWith("Duplicate") ? first : "no YAML: " + first;
  }

  private static JobException refused(Path path, int line, String message) {
    return JobException.badRequest(path + ", line " + line + ": " + message);
  }

  /** One pass over a file. */
  private static final class Reading {
    private final Path path;
    private final YAMLParser parser;

    Reading(Path path, YAMLParser parser) {
      this.path = path;
      this.parser = parser;
    }

    BackupPlanFile plan() throws IOException, JobException {
      Optional<String> parallel = Optional.empty();
      Optional<String> gc = Optional.empty();
      List<Entry> vms = new ArrayList<>();
      List<Entry> restores = new ArrayList<>();
      expect(parser.nextToken(), JsonToken.START_OBJECT, "a mapping with parallel and vms");
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        switch (name) {
          case "parallel" -> parallel = Optional.of(scalar());
          case "gc" -> gc = Optional.of(scalar());
          case "vms" -> readEntries("vms", "vm", vms);
          case "restores" -> readEntries("restores", "snapshot", restores);
          default -> throw refused("'" + name + "' (expected: parallel, vms, gc or restores)");
        }
      }
      if (parser.nextToken() != null) {
        throw refused("a second document (expected: one)");
      }
      return new BackupPlanFile(path, parallel, gc, vms, restores);
    }

    private void readEntries(String list, String nameKey, List<Entry> entries)
        throws IOException, JobException {
      expect(parser.currentToken(), JsonToken.START_ARRAY, list + ": a list");
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        if (entries.size() == ENTRIES_MAX) {
          throw refused(list + ": more than " + ENTRIES_MAX);
        }
        entries.add(entry(nameKey));
      }
    }

    private Entry entry(String nameKey) throws IOException, JobException {
      expect(
          parser.currentToken(),
          JsonToken.START_OBJECT,
          "a mapping with " + nameKey + " and options");
      int line = line();
      Optional<String> name = Optional.empty();
      List<Setting> settings = new ArrayList<>();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        parser.nextToken();
        if (key.equals(nameKey)) {
          name = Optional.of(scalar());
        } else {
          settings.add(new Setting(key, values()));
        }
      }
      if (name.isEmpty()) {
        throw BackupPlanFile.refused(path, line, nameKey + ": NAME is missing");
      }
      return new Entry(name.get(), line, settings);
    }

    private List<String> values() throws IOException, JobException {
      List<String> values = new ArrayList<>();
      if (parser.currentToken() == JsonToken.START_ARRAY) {
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          add(values, scalar());
        }
      } else if (parser.currentToken() == JsonToken.START_OBJECT) {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String name = parser.currentName();
          parser.nextToken();
          add(values, name + "=" + scalarOrNothing());
        }
      } else {
        add(values, scalar());
      }
      return values;
    }

    private void add(List<String> values, String value) throws JobException {
      if (values.size() == VALUES_MAX) {
        throw refused("more than " + VALUES_MAX + " values");
      }
      values.add(value);
    }

    private String scalar() throws IOException, JobException {
      String text = scalarOrNothing();
      if (text.isEmpty()) {
        throw refused("no value (expected: a text, a number, true or false)");
      }
      return text;
    }

    private String scalarOrNothing() throws IOException, JobException {
      JsonToken token = parser.currentToken();
      if (token == null || !token.isScalarValue() || token == JsonToken.VALUE_NULL) {
        throw refused("more than one value, or null (expected: a text, a number, true or false)");
      }
      if (parser.isCurrentAlias()) {
        throw refused("an alias (expected: a text, a number, true or false)");
      }
      return parser.getText();
    }

    private void expect(@Nullable JsonToken token, JsonToken expected, String what)
        throws JobException {
      if (token != expected) {
        throw refused(found(token) + " (expected: " + what + ")");
      }
    }

    private static String found(@Nullable JsonToken token) {
      if (token == null || token == JsonToken.VALUE_NULL) {
        return "nothing";
      }
      return switch (token) {
        case START_OBJECT -> "a mapping";
        case START_ARRAY -> "a list";
        default -> token.isScalarValue() ? "a text or a number" : "something else";
      };
    }

    private int line() {
      return parser.currentTokenLocation().getLineNr();
    }

    private JobException refused(String message) {
      return BackupPlanFile.refused(path, line(), message);
    }
  }
}
