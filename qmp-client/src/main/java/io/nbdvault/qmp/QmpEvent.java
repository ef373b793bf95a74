package io.nbdvault.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;

/**
 * An asynchronous message from QEMU.
 *
 * @param name for example {@code BLOCK_JOB_ERROR}
 * @param data the event's data, an empty object where it has none; not to be changed
 * @param time when QEMU emitted it, by the host's clock
 */
public record QmpEvent(String name, JsonNode data, Instant time) {
  public QmpEvent {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("name: empty (expected: an event's name)");
    }
  }
}
