package io.nbdvault.qmp.testkit;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * The human monitor's {@code qemu-io} on a device's backend. QEMU prints the result on its standard
 * output and returns nothing in QMP, so success is read there.
 */
final class QemuIo {
  private static final long OUTPUT_WAIT_MILLIS_MAX = 5_000;
  private static final long POLL_MILLIS = 5;

  private final Monitors monitors;

  QemuIo(Monitors monitors) {
    this.monitors = monitors;
  }

  /**
   * Runs a command and fails unless QEMU says that all of it was done.
   *
   * @param verb how the result's line begins
   */
  synchronized void run(String disk, String command, String verb, long length) throws IOException {
    int before = monitors.process().stdout().length();
    runQuietly(disk, command);
    String wanted = verb + " " + length + "/" + length + " bytes";
    long deadlineNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(OUTPUT_WAIT_MILLIS_MAX);
    String output = "";
    while (System.nanoTime() < deadlineNanos) {
      output = monitors.process().stdout().substring(before);
      if (output.contains("failed")) {
        break;
      }
      if (output.contains(wanted)) {
        return;
      }
      pause();
    }
    throw new IOException("qemu-io on " + disk + ": " + command + ": " + output.strip());
  }

  synchronized void runQuietly(String disk, String command) throws IOException {
    String device = "/machine/peripheral/" + disk + "/virtio-backend";
    String line = "qemu-io -d " + device + " \"" + command + "\"";
    String said =
        monitors
            .testMonitor()
            .execute(
                "human-monitor-command",
                JsonNodeFactory.instance.objectNode().put("command-line", line))
            .asText();
    if (!said.isBlank()) {
      throw new IOException("qemu-io on " + disk + ": " + command + ": " + said.strip());
    }
  }

  private static void pause() throws IOException {
    try {
      Thread.sleep(POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for qemu-io", e);
    }
  }
}
