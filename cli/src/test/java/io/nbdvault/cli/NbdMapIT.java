package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.testkit.Commands;
import io.nbdvault.nbd.testkit.ExternalServer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code nbd map} against {@code nbdinfo --map}. */
@Timeout(180)
class NbdMapIT {
  @TempDir private Path dir;

  @Test
  void showsWhatNbdinfoShowsOfSparseData() throws Exception {
    try (ExternalServer server =
        ExternalServer.nbdkit(dir, "sparse-random", "192M", "seed=1", "percent=30")) {
      assertLikeNbdinfo(server.uri(), "base:allocation");
      TestRun byDefault = TestRun.of("nbd", "map", server.uri().toString());
      assertThat(byDefault.out()).isEqualTo(NbdReference.nbdinfo(server.uri(), "--map"));
    }
  }

  @Test
  void showsBitmapsAndLayersOfQemu() throws Exception {
    Path base = dir.resolve("base.qcow2");
    Path disk = dir.resolve("disk.qcow2");
    Commands.run("qemu-img", "create", "-q", "-f", "qcow2", base.toString(), "64M");
    Commands.run("qemu-io", "-c", "write 0 2M", "-c", "write -z 20M 1M", base.toString());
    Commands.run(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-b",
        base.toString(),
        "-F",
        "qcow2",
        disk.toString());
    Commands.run("qemu-img", "bitmap", "--add", disk.toString(), "b0");
    Commands.run("qemu-io", "-c", "write 1M 192k", "-c", "write 63M 1M", disk.toString());
    try (ExternalServer server =
        ExternalServer.qemuNbd(dir, "-r", "-B", "b0", "-A", "-x", "disk", disk.toString())) {
      assertLikeNbdinfo(server.uri(), "base:allocation");
      assertThat(assertLikeNbdinfo(server.uri(), "qemu:dirty-bitmap:b0"))
          .contains("  1  dirty\n", "  0  clean\n");
      assertThat(assertLikeNbdinfo(server.uri(), "qemu:allocation-depth"))
          .contains("  1  local\n", "  2  backing depth 2\n", "  0  absent\n");
    }
  }

  private static String assertLikeNbdinfo(NbdUri uri, String context) throws Exception {
    String map = "--map=" + context;
    TestRun text = TestRun.of("nbd", "map", "--context", context, uri.toString());
    assertThat(text.code()).as(text.err()).isZero();
    assertThat(text.out()).isEqualTo(NbdReference.nbdinfo(uri, map));

    JsonNode reference = NbdReference.nbdinfoJson(uri, map);
    List<JsonNode> json =
        TestRun.of("nbd", "map", "--json", "--context", context, uri.toString()).json();
    assertThat(json).hasSameSizeAs(reference);
    for (int i = 0; i < json.size(); i++) {
      assertThat(json.get(i).path("event").textValue()).isEqualTo("extent");
      assertThat(json.get(i).path("offsetBytes").longValue())
          .isEqualTo(reference.get(i).path("offset").longValue());
      assertThat(json.get(i).path("lengthBytes").longValue())
          .isEqualTo(reference.get(i).path("length").longValue());
      assertThat(json.get(i).path("flags").longValue())
          .isEqualTo(reference.get(i).path("type").longValue());
      assertThat(json.get(i).path("description")).isEqualTo(reference.get(i).path("description"));
    }

    TestRun totals = TestRun.of("nbd", "map", "--totals", "--context", context, uri.toString());
    assertThat(totals.out()).isEqualTo(NbdReference.nbdinfo(uri, map, "--totals"));
    return text.out();
  }

  @Test
  void saysWhichContextsThereAre() throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, "memory", "1M")) {
      NbdInfoIT.assertFails(
          2,
          "has no metadata context 'qemu:allocation-depth'; it has base:allocation",
          "nbd",
          "map",
          "--context=qemu:allocation-depth",
          server.uri().toString());
    }
    try (ExternalServer server = ExternalServer.nbdkit(dir, "--no-sr", "memory", "1M")) {
      NbdInfoIT.assertFails(
          2, "the server speaks no structured replies", "nbd", "map", server.uri().toString());
    }
  }

  @Test
  void showsNothingOfAnEmptyExport() throws Exception {
    try (ExternalServer server = ExternalServer.nbdkit(dir, "memory", "0")) {
      TestRun run = TestRun.of("nbd", "map", server.uri().toString());
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.out()).isEmpty();
      assertThat(TestRun.of("nbd", "map", "--totals", server.uri().toString()).out()).isEmpty();
    }
  }
}
