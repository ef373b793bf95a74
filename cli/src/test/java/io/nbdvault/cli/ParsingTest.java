package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.Compression;
import io.nbdvault.engine.restore.RestoreRequest;
import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.source.BackupRequest.Freeze;
import io.nbdvault.nbd.NbdUri;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

class ParsingTest {
  private final NbdvaultCommand root =
      new NbdvaultCommand(
          TestRun.surroundings(
              new ByteArrayOutputStream(),
              new ByteArrayOutputStream(),
              Map.of("NBDVAULT_REPO", "/from/environment")));

  private <T> T parse(Class<T> type, String line) {
    ParseResult parsed = Main.commandLine(root).parseArgs(line.split(" "));
    CommandLine command = parsed.subcommand().commandSpec().commandLine();
    Object userObject = command.getCommand();
    assertThat(userObject).isInstanceOf(type);
    return type.cast(userObject);
  }

  private BackupRequest backup(String line) {
    return parse(BackupCommand.class, line).request();
  }

  @Test
  void asksForTheWholeVmByDefault() {
    BackupRequest request = backup("backup web1 --qmp /run/q");

    assertThat(request.vm()).isEqualTo("web1");
    assertThat(request.source()).isEqualTo(new BackupRequest.RunningQemu(Path.of("/run/q")));
    assertThat(request.disks()).isEmpty();
    assertThat(request.exclude()).isEmpty();
    assertThat(request.tags()).isEmpty();
    assertThat(request.full()).isFalse();
    assertThat(request.force()).isFalse();
    assertThat(request.scratch()).isEmpty();
    assertThat(request.guestAgent()).isEmpty();
    assertThat(request.freeze()).isEqualTo(Freeze.AUTO);
    assertThat(request.rateLimitBytesPerSecond()).isEmpty();
    assertThat(request.compression()).isEmpty();
  }

  @Test
  void asksForAllThatABackupCanDo() {
    BackupRequest request =
        backup(
            "backup web1 --qmp /run/q --disk vda --disk vdb --exclude vdc --full --tag a=b"
                + " --tag c=d --scratch /tmp/s --force --guest-agent /run/ga --freeze require"
                + " --rate-limit 50M --compression zstd:9");

    assertThat(request.disks()).containsExactlyInAnyOrder("vda", "vdb");
    assertThat(request.exclude()).containsExactly("vdc");
    assertThat(request.full()).isTrue();
    assertThat(request.tags()).isEqualTo(Map.of("a", "b", "c", "d"));
    assertThat(request.scratch()).contains(Path.of("/tmp/s"));
    assertThat(request.force()).isTrue();
    assertThat(request.guestAgent()).contains(Path.of("/run/ga"));
    assertThat(request.freeze()).isEqualTo(Freeze.REQUIRE);
    assertThat(request.rateLimitBytesPerSecond()).isEqualTo(OptionalLong.of(50L << 20));
    assertThat(request.compression()).contains(Compression.zstd(9));
  }

  @Test
  void readsImagesAndExportsInTheirOrder() {
    assertThat(backup("backup v --image b=/b,format=raw --image a=/a,format=qcow2").source())
        .isEqualTo(
            new BackupRequest.StoppedImages(
                List.of(
                    new BackupRequest.Image("b", Path.of("/b"), "raw"),
                    new BackupRequest.Image("a", Path.of("/a"), "qcow2"))));
    assertThat(backup("backup v --nbd b=nbd://h/b --nbd a=nbd://h/a").source())
        .isEqualTo(
            new BackupRequest.NbdExports(
                List.of(
                    new BackupRequest.NbdExport("b", NbdUri.parse("nbd://h/b")),
                    new BackupRequest.NbdExport("a", NbdUri.parse("nbd://h/a")))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-r /repo -q --json snapshots",
        "snapshots -r /repo -q --json",
        "-q snapshots --repository=/repo --json",
        "--json snapshots -qr /repo web1"
      })
  void takesGlobalOptionsBeforeAndAfterTheCommand(String line) {
    SnapshotsCommand unused = parse(SnapshotsCommand.class, line);

    assertThat(root.isJson()).isTrue();
    assertThat(root.isQuiet()).isTrue();
    assertThat(root.isVerbose()).isFalse();
    assertThat(repository()).isEqualTo(Path.of("/repo"));
  }

  @Test
  void takesTheRepositoryFromTheEnvironment() {
    SnapshotsCommand unused = parse(SnapshotsCommand.class, "snapshots");

    assertThat(repository()).isEqualTo(Path.of("/from/environment"));
  }

  private Path repository() {
    return root.repository(Main.commandLine(root).getCommandSpec());
  }

  @Test
  void asksForARestore() {
    assertThat(parse(RestoreCommand.class, "restore web1@latest --to /vm/").request())
        .isEqualTo(new RestoreRequest("web1@latest", List.of(), "/vm/", Optional.empty(), false));
    assertThat(
            parse(
                    RestoreCommand.class,
                    "restore 1a2b --disk vda --to nbd://h/x --format qcow2 --force")
                .request())
        .isEqualTo(
            new RestoreRequest(
                "1a2b", List.of("vda"), "nbd://h/x", Optional.of(ImageFormat.QCOW2), true));
    assertThat(parse(RestoreCommand.class, "restore web1@latest --to /vm/a.raw --delta").request())
        .isEqualTo(
            new RestoreRequest(
                "web1@latest", List.of(), "/vm/a.raw", Optional.empty(), false, false, true));
  }

  @Test
  void asksForACleanup() {
    CleanupCommand command =
        parse(CleanupCommand.class, "cleanup --qmp /run/q --all --guest-agent /run/ga");

    assertThat(command.request().qmpSocket()).isEqualTo(Path.of("/run/q"));
    assertThat(command.request().all()).isTrue();
    assertThat(command.request().guestAgent()).contains(Path.of("/run/ga"));
  }

  @Test
  void readsNoArgumentsFromFiles() {
    assertThat(parse(RestoreCommand.class, "restore @/etc/passwd --to x").request().snapshot())
        .isEqualTo("@/etc/passwd");
  }
}
