package io.nbdvault.engine.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.JobException;
import java.util.List;
import org.junit.jupiter.api.Test;

class NamesTest {

  @Test
  void acceptsWhatPeopleCallTheirMachinesAndDisks() throws Exception {
    for (String name :
        List.of("web-1", "abcdefg", "abc", "Größe 2", "vm.example.org", "x".repeat(200))) {
      assertThat(Names.checkVm(name)).isEqualTo(name);
    }
    for (String name : List.of("vda", "deadbeef", "drive-virtio-disk0", "#block123", "a.b")) {
      assertThat(Names.checkDisk(name)).isEqualTo(name);
    }
  }

  @Test
  void refusesVmNamesThatWouldBeTakenForSomethingElse() {
    for (String name : List.of("vm@latest", "a/b", "..@", "dead", "DEADBEEF", "0123")) {
      assertRefused(() -> Names.checkVm(name), name);
    }
  }

  @Test
  void refusesDiskNamesThatWouldLeadOutOfADirectory() {
    for (String name : List.of("..", "a..b", ".", "a/b", "/etc", "a@b")) {
      assertRefused(() -> Names.checkDisk(name), name);
    }
  }

  @Test
  void refusesEmptyAndEndlessNamesAndControlCharacters() {
    for (String name : List.of("", "  ", "x".repeat(201))) {
      assertRefused(() -> Names.checkVm(name), "(expected: 1 to 200)");
      assertRefused(() -> Names.checkDisk(name), "(expected: 1 to 200)");
    }
    for (String name : List.of("a\nb", "\u0007bell", "a\u0000", "esc\u001b[2J", "del\u007f")) {
      assertRefused(() -> Names.checkVm(name), "must not contain control characters");
      assertRefused(() -> Names.checkDisk(name), "must not contain control characters");
    }
  }

  /** A check that must fail. */
  private interface Check {
    void run() throws JobException;
  }

  private static void assertRefused(Check check, String said) {
    assertThatThrownBy(check::run)
        .hasMessageContaining(said)
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.BAD_REQUEST));
  }
}
