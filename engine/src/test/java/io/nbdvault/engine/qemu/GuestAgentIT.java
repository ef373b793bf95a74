package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.cleanup.CleanupJob;
import io.nbdvault.engine.cleanup.CleanupRequest;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.source.BackupRequest.Freeze;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.engine.testkit.Variations;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.testkit.FakeGuestAgent;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guest's filesystems are frozen for the instant and for nothing else, whatever goes wrong. */
class GuestAgentIT {
  private static final int SIZE = 4 << 20;
  private static final String FREEZE = "guest-fsfreeze-freeze";
  private static final String STATUS = "guest-fsfreeze-status";
  private static final String THAW = "guest-fsfreeze-thaw";

  @TempDir Path directory;
  private DiskModel model;
  private BackupBench bench;
  private QemuVm vm;
  private BlockCommands qemu;
  private FakeGuestAgent agent;

  @BeforeEach
  void start() throws Exception {
    Path image = directory.resolve("vda.qcow2");
    QemuImg.create(image, "qcow2", SIZE);
    model = new DiskModel(SIZE);
    bench =
        BackupBench.create(directory, "repository")
            .limits(
                Variations.agentDeadlines(
                    EngineLimits.defaults().withScratchFreeBytesMin(1 << 20),
                    Duration.ofMillis(500),
                    Duration.ofSeconds(2)));
    vm = QemuVm.builder(directory).disk("vda", image, "qcow2").start();
    qemu = new BlockCommands(vm.testMonitor());
    model.write(vm, "vda", 65536, 1 << 20, 1);
    agent = FakeGuestAgent.start(directory.resolve("agent.sock"));
  }

  @AfterEach
  void stop() throws Exception {
    agent.close();
    vm.close();
  }

  private BackupRequest request(Freeze freeze) {
    return Variations.frozen(BackupBench.live("vm", vm.toolSocket()), agent.socket(), freeze);
  }

  private SnapshotRecord assertBacksUp(Freeze freeze) throws Exception {
    SnapshotRecord snapshot = bench.backup(request(freeze));
    bench.assertRestores(snapshot, "vda", model.copy());
    assertThat(agent.isFrozen()).as("the guest is frozen").isFalse();
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
    return snapshot;
  }

  private JobException assertFails(Freeze freeze) throws Exception {
    JobException failure =
        catchThrowableOfType(JobException.class, () -> bench.backup(request(freeze)));
    assertThat(failure).isNotNull();
    assertThat(bench.snapshots()).isEmpty();
    return failure;
  }

  private List<String> warnings() {
    return bench.events().stream()
        .filter(JobEvent.Warning.class::isInstance)
        .map(event -> ((JobEvent.Warning) event).message())
        .toList();
  }

  private List<String> frozenMarks() throws QmpException {
    return qemu.qomList("/objects").stream()
        .map(object -> object.name())
        .filter(name -> RunNames.hasRole(name, RunNames.Role.FROZEN))
        .toList();
  }

  @Test
  void freezesBeforeTheTransactionAndThawsAfterIt() throws Exception {
    List<String> seen = new CopyOnWriteArrayList<>();
    agent.onCommand(
        command -> {
          if (command.equals(FREEZE) || command.equals(THAW)) {
            seen.add(command + " jobs=" + countJobs() + " marks=" + countMarks());
          }
        });
    SnapshotRecord snapshot = assertBacksUp(Freeze.REQUIRE);
    assertThat(snapshot.consistency()).isEqualTo(Consistency.FILESYSTEM);
    assertThat(seen).containsExactly(FREEZE + " jobs=0 marks=1", THAW + " jobs=1 marks=1");
    assertThat(agent.received()).containsExactly(STATUS, FREEZE, STATUS, THAW, STATUS);
    assertThat(warnings()).isEmpty();
    assertThat(bench.events())
        .filteredOn(JobEvent.PointInTime.class::isInstance)
        .singleElement()
        .satisfies(
            event ->
                assertThat(((JobEvent.PointInTime) event).consistency())
                    .isEqualTo(Consistency.FILESYSTEM));
  }

  private int countJobs() {
    try {
      return qemu.queryJobs().size();
    } catch (QmpException e) {
      throw new UncheckedIOException(e);
    }
  }

  private int countMarks() {
    try {
      return frozenMarks().size();
    } catch (QmpException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void asksTheAgentNothingWhenToldNever() throws Exception {
    assertThat(assertBacksUp(Freeze.NEVER).consistency()).isEqualTo(Consistency.CRASH);
    assertThat(agent.received()).isEmpty();
  }

  @Test
  void freezeThatTakesTooLongIsThawedAndAutoGoesOn() throws Exception {
    agent.delay(FREEZE, Duration.ofMillis(1500));
    assertThat(assertBacksUp(Freeze.AUTO).consistency()).isEqualTo(Consistency.CRASH);
    assertThat(agent.received()).contains(FREEZE, THAW);
    assertThat(warnings())
        .singleElement()
        .asString()
        .startsWith("the guest's filesystems are not frozen, the backup is crash-consistent: ")
        .contains(FREEZE);
  }

  @Test
  void freezeThatTakesTooLongIsThawedAndRequireFails() throws Exception {
    agent.delay(FREEZE, Duration.ofMillis(1500));
    JobException failure = assertFails(Freeze.REQUIRE);
    assertThat(failure.kind()).isEqualTo(JobException.Kind.FAILED);
    assertThat(failure).hasMessageStartingWith("the guest's filesystems cannot be frozen: ");
    assertThat(agent.isFrozen()).isFalse();
    assertThat(agent.received()).contains(THAW);
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
    agent.behave();
    assertBacksUp(Freeze.REQUIRE);
  }

  @Test
  void freezeThatTheGuestRefusesIsAWarningForAuto() throws Exception {
    agent.reply(
        FREEZE, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"failed to freeze /srv\"}}");
    assertThat(assertBacksUp(Freeze.AUTO).consistency()).isEqualTo(Consistency.CRASH);
    assertThat(warnings()).singleElement().asString().contains("failed to freeze /srv");
  }

  @Test
  void guestFrozenBySomebodyElseIsRefusedAndLeftFrozen() throws Exception {
    agent.frozen(true);
    for (Freeze freeze : List.of(Freeze.AUTO, Freeze.REQUIRE)) {
      assertThat(assertFails(freeze))
          .hasMessage("the guest's filesystems are frozen already, by somebody else");
      new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
    }
    assertThat(agent.isFrozen()).isTrue();
    assertThat(agent.received()).containsOnly(STATUS);
  }

  @Test
  void agentThatHangsCostsSecondsAndAWarning() throws Exception {
    agent.delay("guest-sync-delimited", Duration.ofSeconds(60));
    long beganNanos = System.nanoTime();
    SnapshotRecord snapshot = assertBacksUp(Freeze.AUTO);
    assertThat(Duration.ofNanos(System.nanoTime() - beganNanos)).isLessThan(Duration.ofSeconds(15));
    assertThat(snapshot.consistency()).isEqualTo(Consistency.CRASH);
    assertThat(warnings()).singleElement().asString().contains("does not answer within 5000 ms");
  }

  @Test
  void socketWithoutAnAgentIsAWarningForAutoAndAnErrorForRequire() throws Exception {
    agent.close();
    assertThat(assertFails(Freeze.REQUIRE))
        .hasMessageStartingWith("the guest's filesystems cannot be frozen: ")
        .hasMessageContaining(agent.socket().toString());
    assertThat(assertBacksUp(Freeze.AUTO).consistency()).isEqualTo(Consistency.CRASH);
    assertThat(warnings()).singleElement().asString().contains(agent.socket().toString());
  }

  @Test
  void thawThatFailsTheFirstTimeIsTriedAgain() throws Exception {
    AtomicInteger thaws = new AtomicInteger();
    agent.reply(THAW, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"busy\"}}");
    agent.onCommand(
        command -> {
          if (command.equals(THAW) && thaws.incrementAndGet() == 2) {
            agent.behave();
          }
        });
    assertThat(assertBacksUp(Freeze.REQUIRE).consistency()).isEqualTo(Consistency.FILESYSTEM);
    assertThat(thaws).hasValue(2);
  }

  @Test
  void guestThatCannotBeThawedFailsTheBackupAndTheNextRunThaws() throws Exception {
    agent.reply(THAW, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"busy\"}}");
    assertThat(assertFails(Freeze.REQUIRE))
        .hasMessage(
            "the guest's filesystems are still frozen and must be thawed: "
                + "guest-fsfreeze-thaw: busy (GenericError)");
    assertThat(agent.isFrozen()).isTrue();
    assertThat(frozenMarks()).as("the mark for the next run").hasSize(1);
    assertThat(qemu.queryJobs()).isEmpty();
    agent.behave();
    assertThat(assertBacksUp(Freeze.AUTO).consistency()).isEqualTo(Consistency.FILESYSTEM);
  }

  /** What a run leaves that is killed between freeze and thaw. */
  private String leaveFrozen() throws QmpException {
    String mark = new RunNames("0".repeat(32), SnapshotId.random()).of(RunNames.Role.FROZEN);
    qemu.objectAdd(
        JsonNodeFactory.instance.objectNode().put("qom-type", Markers.TYPE).put("id", mark));
    agent.frozen(true);
    return mark;
  }

  @Test
  void nextRunThawsWhatAKilledRunLeftFrozen() throws Exception {
    String mark = leaveFrozen();
    SnapshotRecord snapshot = assertBacksUp(Freeze.AUTO);
    assertThat(snapshot.consistency()).isEqualTo(Consistency.FILESYSTEM);
    assertThat(agent.received().subList(0, 3)).containsExactly(STATUS, THAW, STATUS);
    assertThat(bench.events()).contains(new JobEvent.Removed("freeze", mark));
  }

  @Test
  void nextRunWithoutAnAgentWarnsAndKeepsTheMark() throws Exception {
    String mark = leaveFrozen();
    var unused = bench.backup(BackupBench.live("vm", vm.toolSocket()));
    assertThat(warnings())
        .singleElement()
        .asString()
        .startsWith("an earlier run may have left the guest's filesystems frozen");
    assertThat(frozenMarks()).containsExactly(mark);
    assertThat(agent.isFrozen()).isTrue();
  }

  @Test
  void cleanupThawsWhatAKilledRunLeftFrozen() throws Exception {
    String mark = leaveFrozen();
    List<JobEvent> events = new ArrayList<>();
    new CleanupJob(EngineLimits.defaults(), events::add)
        .run(new CleanupRequest(vm.toolSocket(), false, Optional.of(agent.socket())));
    assertThat(events).containsExactly(new JobEvent.Removed("freeze", mark));
    assertThat(agent.isFrozen()).isFalse();
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
  }

  @Test
  void cancelledBetweenFreezeAndThawStillThaws() throws Exception {
    Cancellation cancellation = new Cancellation();
    agent.onCommand(
        command -> {
          if (command.equals(FREEZE)) {
            cancellation.cancel();
          }
        });
    JobException failure =
        catchThrowableOfType(
            JobException.class, () -> bench.backup(request(Freeze.REQUIRE), cancellation));
    assertThat(failure.kind()).isEqualTo(JobException.Kind.CANCELLED);
    assertThat(agent.received()).contains(FREEZE, THAW);
    assertThat(agent.isFrozen()).isFalse();
    assertThat(bench.snapshots()).isEmpty();
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
  }
}
