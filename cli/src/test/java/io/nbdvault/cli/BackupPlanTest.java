package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.JobException;
import io.nbdvault.engine.restore.RestoreRequest;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.source.BackupRequest.Freeze;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackupPlanTest {
  @TempDir private Path dir;

  private final NbdvaultCommand root =
      new NbdvaultCommand(
          TestRun.surroundings(new ByteArrayOutputStream(), new ByteArrayOutputStream(), Map.of()));

  private BackupPlan plan(String text) throws IOException, JobException {
    Path file = Files.writeString(dir.resolve("plan.yaml"), text);
    return BackupPlan.of(BackupPlanFile.read(file), root);
  }

  @Test
  void readsWhatRunsBesideTheBackups() throws IOException, JobException {
    BackupPlan plan =
        plan(
            """
            gc: true
            vms: [{vm: web1, qmp: /run/web1.qmp}]
            restores:
              - snapshot: db2@latest
                disk: [vda, vdb]
                to: /vm/restored/
                format: qcow2
                force: true
            """);

    assertThat(plan.collects()).isTrue();
    assertThat(plan.restores())
        .containsExactly(
            new RestoreRequest(
                "db2@latest",
                List.of("vda", "vdb"),
                "/vm/restored/",
                Optional.of(RestoreRequest.ImageFormat.QCOW2),
                true));
    BackupPlan alone = plan("vms: [{vm: web1, qmp: /run/web1.qmp}]");
    assertThat(alone.collects()).isFalse();
    assertThat(alone.restores()).isEmpty();
  }

  @Test
  void refusesWhatCannotRunBesideTheBackups() {
    String vms = "vms: [{vm: web1, qmp: /run/web1.qmp}]\n";
    assertThatThrownBy(() -> plan(vms + "gc: nightly"))
        .isInstanceOf(JobException.class)
        .hasMessageContaining("gc: nightly (expected: true or false)");
    assertThatThrownBy(() -> plan(vms + "restores: [{snapshot: db2@latest}]"))
        .isInstanceOf(JobException.class)
        .hasMessageContaining("line 2: snapshot db2@latest: Missing required option: '--to");
    assertThatThrownBy(() -> plan(vms + "restores: [{snapshot: a, to: x, live: true, qmp: /q}]"))
        .hasMessageContaining("a plan cannot move the disks of a running VM");
    assertThatThrownBy(() -> plan(vms + "restores: [{snapshot: a, to: x, full: true}]"))
        .isInstanceOf(JobException.class)
        .hasMessageContaining("there is no option 'full' of restore");
  }

  @Test
  void readsEachVmWithItsOptions() throws IOException, JobException {
    BackupPlan plan =
        plan(
            """
            # every night
            parallel: 4
            vms:
              - vm: web1
                qmp: /run/web1.qmp
                guest-agent: /run/web1.ga
                freeze: require
                disk: [vda, vdb]
                exclude: vdc
                rate-limit: 50M
                tag: {reason: nightly, year: 2026}
                force: true
                full: false
              - vm: "0123x"
                image:
                  - vda=/vm/db2.qcow2,format=qcow2
                full: true
            """);

    assertThat(plan.parallel()).isEqualTo(4);
    BackupRequest web = plan.requests().get(0);
    assertThat(web.vm()).isEqualTo("web1");
    assertThat(web.source()).isEqualTo(new BackupRequest.RunningQemu(Path.of("/run/web1.qmp")));
    assertThat(web.guestAgent()).contains(Path.of("/run/web1.ga"));
    assertThat(web.freeze()).isEqualTo(Freeze.REQUIRE);
    assertThat(web.disks()).containsExactlyInAnyOrder("vda", "vdb");
    assertThat(web.exclude()).containsExactly("vdc");
    assertThat(web.rateLimitBytesPerSecond()).isEqualTo(OptionalLong.of(50 << 20));
    assertThat(web.tags()).isEqualTo(Map.of("reason", "nightly", "year", "2026"));
    assertThat(web.force()).isTrue();
    assertThat(web.full()).isFalse();
    BackupRequest db = plan.requests().get(1);
    assertThat(db.vm()).isEqualTo("0123x");
    assertThat(db.full()).isTrue();
    assertThat(db.source())
        .isEqualTo(
            new BackupRequest.StoppedImages(
                List.of(new BackupRequest.Image("vda", Path.of("/vm/db2.qcow2"), "qcow2"))));
  }

  @Test
  void twoVmsAtATimeAreTheDefault() throws IOException, JobException {
    assertThat(plan("vms: [{vm: a, qmp: /q}]").parallel()).isEqualTo(2);
  }

  /** Neither as a number in octal nor as a boolean. */
  @Test
  void takesValuesAsTheyStandThere() throws IOException, JobException {
    BackupPlan plan = plan("vms: [{vm: 0o17y, qmp: 017, tag: {a: yes, b: 1_000, c: '-x'}}]");

    assertThat(plan.requests().get(0).vm()).isEqualTo("0o17y");
    assertThat(plan.requests().get(0).source())
        .isEqualTo(new BackupRequest.RunningQemu(Path.of("017")));
    assertThat(plan.requests().get(0).tags())
        .isEqualTo(Map.of("a", "yes", "b", "1_000", "c", "-x"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "[]|line 1: a list (expected: a mapping with parallel and vms)",
        "vms: []|plan.yaml: vms: none (expected: one or more)",
        "vms: {a: b}|line 1: a mapping (expected: vms: a list)",
        "vms: [a]|line 1: a text or a number (expected: a mapping with vm and options)",
        "vm: []|line 1: 'vm' (expected: parallel, vms, gc or restores)",
        "vms: ['a|no YAML: while scanning a quoted scalar",
        "vms: [{qmp: /q}]|line 1: vm: NAME is missing",
        "vms: [{vm: a}]|VM a: say where the disks are, with one of --qmp, --image and --nbd",
        "vms: [{vm: a, qmp: /q, qmp: /r}]|line 1: Duplicate",
        "vms: [{vm: a, qmp: [/q, /r]}]|VM a: option '--qmp' (SOCKET) should be specified only once",
        "vms: [{vm: a, qmp: /q, fulll: true}]|VM a: there is no option 'fulll' of backup",
        "vms: [{vm: a, qmp: /q, json: true}]|VM a: there is no option 'json' of backup",
        "vms: [{vm: a, qmp: /q, help: true}]|VM a: there is no option 'help' of backup",
        "vms: [{vm: a, qmp: /q, plan: b}]|VM a: there is no option 'plan' of backup",
        "vms: [{vm: a, qmp: /q, full: yes}]|VM a: full: [yes] (expected: true or false)",
        "vms: [{vm: a, qmp: /q, tag: {a: [b]}}]|line 1: more than one value",
        "vms: [{vm: a, qmp: /q, tag: }]|line 1: no value (expected",
        "vms: [{vm: a, qmp: &x /q}, {vm: b, qmp: *x}]|line 1: an alias (expected: a text",
        "vms: [{vm: a, qmp: /q}, {vm: a, qmp: /r}]|VM a: two of this name",
        "vms: [{vm: a, qmp: /q, rate-limit: fast}]|VM a: Invalid value for option '--rate-limit'",
        "{parallel: 0, vms: [{vm: a, qmp: /q}]}|plan.yaml: parallel: 0 (expected: 1 to 16)",
        "{parallel: 17, vms: [{vm: a, qmp: /q}]}|plan.yaml: parallel: 17 (expected: 1 to 16)",
        "{parallel: x, vms: [{vm: a, qmp: /q}]}|plan.yaml: parallel: x (expected: 1 to 16)",
        "vms: [}|line 1:",
      })
  void saysWhatIsWrongAndWhere(String text, String part) {
    assertThatThrownBy(() -> plan(text))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.BAD_REQUEST))
        .hasMessageContaining(dir.resolve("plan.yaml").toString())
        .hasMessageContaining(part)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void namesTheLineOfTheVm() {
    assertThatThrownBy(() -> plan("vms:\n  - vm: a\n    qmp: /q\n  - vm: b\n    qmpp: /q\n"))
        .hasMessageContaining("plan.yaml, line 4: VM b: there is no option 'qmpp' of backup");
  }

  @Test
  void refusesASecondDocumentAndAVeryLongFile() {
    assertThatThrownBy(() -> plan("vms: [{vm: a, qmp: /q}]\n---\nvms: []\n"))
        .hasMessageContaining("a second document");
    assertThatThrownBy(() -> plan("#".repeat((1 << 20) + 1)))
        .hasMessageContaining("longer than 1048576 bytes");
    assertThatThrownBy(() -> BackupPlanFile.read(dir.resolve("absent")))
        .hasMessageEndingWith("absent: no such file");
  }
}
