package io.nbdvault.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class QmpClientIT {
  private static final QmpOptions IMPATIENT =
      new QmpOptions(Duration.ofSeconds(1), Duration.ofSeconds(60), 64 << 20);

  @TempDir Path dir;

  private static QmpClient connect(QemuVm vm) throws QmpException {
    return QmpClient.connect(vm.toolSocket(), QmpOptions.defaults());
  }

  @Test
  void greetsWithVersionAndCredentials() throws Exception {
    try (QemuVm vm = QemuVm.builder(dir).start();
        QmpClient client = connect(vm)) {
      assertThat(client.greeting().isAtLeast(5, 2)).isTrue();
      assertThat(client.peer().pid()).isEqualTo(vm.pid());
      assertThat(client.execute("query-status").path("running").asBoolean(true)).isFalse();
    }
  }

  @Test
  void secondClientOfAMonitorIsToldSo() throws Exception {
    try (QemuVm vm = QemuVm.builder(dir).start();
        QmpClient first = connect(vm)) {
      assertThatThrownBy(() -> QmpClient.connect(vm.toolSocket(), IMPATIENT))
          .isInstanceOf(QmpConnectException.class)
          .hasMessageContaining("QEMU serves one client per monitor");
      assertThat(first.execute("query-status").isObject()).isTrue();
    }
  }

  @Test
  void monitorIsFreeAgainAfterAClientHasLeft() throws Exception {
    try (QemuVm vm = QemuVm.builder(dir).start()) {
      for (int i = 0; i < 20; i++) {
        try (QmpClient client = connect(vm)) {
          assertThat(client.isOpen()).isTrue();
        }
      }
    }
  }

  @Test
  void humanMonitorIsRecognised() throws Exception {
    Path hmp = dir.resolve("hmp");
    try (QemuVm vm =
        QemuVm.builder(dir).args("-monitor", "unix:" + hmp + ",server=on,wait=off").start()) {
      assertThat(vm.isAlive()).isTrue();
      assertThatThrownBy(() -> QmpClient.connect(hmp, IMPATIENT))
          .isInstanceOf(QmpConnectException.class)
          .hasMessageContaining("human monitor (HMP)");
    }
  }

  @Test
  void nbdServerIsRecognised() throws Exception {
    Path nbd = dir.resolve("nbd");
    Path image = dir.resolve("a.raw");
    QemuImg.create(image, "raw", 1 << 20);
    try (QemuVm vm = QemuVm.builder(dir).disk("vda", image, "raw").start()) {
      new BlockCommands(vm.testMonitor()).nbdServerStart(nbd);
      assertThatThrownBy(() -> QmpClient.connect(nbd, IMPATIENT))
          .isInstanceOf(QmpConnectException.class)
          .hasMessageContaining("an NBD server");
    }
  }

  @Test
  void prettyMonitorIsUnderstood() throws Exception {
    Path socket = dir.resolve("pretty");
    try (QemuVm vm =
            QemuVm.builder(dir)
                .args("-chardev", "socket,id=p,path=" + socket + ",server=on,wait=off")
                .args("-mon", "chardev=p,mode=control,pretty=on")
                .start();
        QmpClient client = QmpClient.connect(socket, QmpOptions.defaults())) {
      assertThat(vm.isAlive()).isTrue();
      assertThat(QmpSchema.query(client).hasCommand("transaction")).isTrue();
    }
  }

  @Test
  void killedQemuFailsTheCommandUnderWayAtOnce() throws Exception {
    try (QemuVm vm = QemuVm.builder(dir).start();
        QmpClient client = connect(vm)) {
      // A stopped process answers nothing, so the command is surely under way when it dies.
      signal(vm.pid(), "STOP");
      CompletableFuture<JsonNode> reply = client.executeAsync("query-status", null);
      Thread.sleep(200);
      assertThat(reply).isNotDone();
      long begin = System.nanoTime();
      vm.kill();
      assertThatThrownBy(() -> reply.get(10, TimeUnit.SECONDS))
          .hasCauseInstanceOf(QmpDisconnectedException.class);
      client.closed().get(10, TimeUnit.SECONDS);
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(2));
      assertThat(client.isOpen()).isFalse();
      assertThatThrownBy(() -> client.execute("query-status"))
          .isInstanceOf(QmpDisconnectedException.class);
      assertThatThrownBy(() -> QmpClient.connect(vm.toolSocket(), IMPATIENT))
          .isInstanceOf(QmpConnectException.class)
          .hasMessageContaining("nobody listens there");
    }
  }

  private static void signal(long pid, String name) throws IOException, InterruptedException {
    int exitCode = new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start().waitFor();
    assertThat(exitCode).isZero();
  }

  @Test
  void eventsReachEveryMonitor() throws Exception {
    CompletableFuture<QmpEvent> resumed = new CompletableFuture<>();
    Instant before = Instant.now().minusSeconds(5);
    try (QemuVm vm = QemuVm.builder(dir).start();
        QmpClient client = connect(vm);
        QmpSubscription subscription =
            client.onEvent(
                event -> {
                  if (event.name().equals("RESUME")) {
                    resumed.complete(event);
                  }
                })) {
      assertThat(subscription).isNotNull();
      assertThat(vm.testMonitor().execute("cont").isObject()).isTrue();
      QmpEvent event = resumed.get(10, TimeUnit.SECONDS);
      assertThat(event.time()).isBetween(before, Instant.now().plusSeconds(5));
    }
  }

  @Test
  void quitIsSeenAsTheSessionsEnd() throws Exception {
    CompletableFuture<QmpEvent> shutdown = new CompletableFuture<>();
    try (QemuVm vm = QemuVm.builder(dir).start();
        QmpClient client = connect(vm);
        QmpSubscription subscription =
            client.onEvent(
                event -> {
                  if (event.name().equals("SHUTDOWN")) {
                    shutdown.complete(event);
                  }
                })) {
      assertThat(subscription).isNotNull();
      vm.quit();
      client.closed().get(10, TimeUnit.SECONDS);
      assertThat(shutdown).isCompleted();
    }
  }

  @Test
  void unknownCommandIsRefused() throws Exception {
    try (QemuVm vm = QemuVm.builder(dir).start();
        QmpClient client = connect(vm)) {
      assertThatThrownBy(
              () ->
                  client.execute(
                      "no-such-thing", JsonNodeFactory.instance.objectNode().put("a", 1)))
          .isInstanceOfSatisfying(
              QmpCommandException.class,
              e -> assertThat(e.errorClass()).isEqualTo("CommandNotFound"));
    }
  }

  @Test
  void schemaTellsCommandsArgumentsEventsAndDrivers() throws Exception {
    try (QemuVm vm = QemuVm.builder(dir).start();
        QmpClient client = connect(vm)) {
      QmpSchema schema = QmpSchema.query(client);
      assertThat(schema.hasCommand("blockdev-backup")).isTrue();
      assertThat(schema.hasCommand("blockdev-rewind")).isFalse();
      assertThat(schema.hasEvent("BLOCK_JOB_ERROR")).isTrue();
      assertThat(schema.hasEvent("blockdev-backup")).isFalse();
      assertThat(schema.hasArgument("blockdev-backup", "filter-node-name")).isTrue();
      assertThat(schema.hasArgument("blockdev-backup", "no-such-argument")).isFalse();
      assertThat(schema.hasArgument("no-such-command", "a")).isFalse();
      // Through an array of an alternate in a variant of a union.
      assertThat(schema.hasArgument("block-export-add", "bitmaps.node")).isTrue();
      assertThat(schema.hasArgument("block-export-add", "bitmaps", "node")).isTrue();
      assertThat(schema.hasArgument("block-export-add", "bitmaps.nodes")).isFalse();
      assertThat(schema.hasArgument("transaction", "actions.data.job-id")).isTrue();
      assertThat(schema.hasBlockDriver("qcow2")).isTrue();
      assertThat(schema.hasBlockDriver("copy-before-write")).isTrue();
      assertThat(schema.hasBlockDriver("betamax")).isFalse();
    }
  }
}
