package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.JobException;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class VmLockTest {
  private final String key = "test-" + UUID.randomUUID();

  @Test
  void secondRunIsRefusedAndToldWhoHoldsIt() throws Exception {
    try (VmLock held = VmLock.acquire(key)) {
      assertThat(held).isNotNull();
      for (int attempt = 0; attempt < 2; attempt++) {
        assertThatThrownBy(() -> VmLock.acquire(key))
            .isInstanceOfSatisfying(
                JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.VM_BUSY))
            .hasMessage(
                "this VM is being backed up by this process already; a plan may name each QEMU and"
                    + " each image once");
      }
    }
  }

  @Test
  void lockIsFreeAgainOnceItWasReleased() throws Exception {
    VmLock.acquire(key).close();
    VmLock.acquire(key).close();
  }

  @Test
  void locksOfDifferentVmsDoNotMeet() throws Exception {
    try (VmLock first = VmLock.acquire(key);
        VmLock second = VmLock.acquire(key + "-other")) {
      assertThat(second).isNotSameAs(first);
    }
  }
}
