package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.SnapshotId;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RunNamesTest {
  private static final String REPOSITORY = "0123456789abcdef0123456789abcdef";
  private static final String OTHER = "f123456789abcdef0123456789abcdef";
  private static final SnapshotId RUN = new SnapshotId("fedcba9876543210fedcba9876543210");
  private static final RunNames NAMES = new RunNames(REPOSITORY, RUN);

  @Test
  void namesSayWhoseTheyAre() {
    assertThat(NAMES.of(RunNames.Role.SCRATCH, 3)).isEqualTo("nbdv-01234567-fedcba98-fl3");
    assertThat(NAMES.of(RunNames.Role.SERVER)).isEqualTo("nbdv-01234567-fedcba98-server");
    assertThat(NAMES.checkpointBitmap()).isEqualTo("nbdvault-cp-" + REPOSITORY + "-" + RUN.hex());
    assertThat(NAMES.exportBitmap()).isEqualTo("nbdvault-export-" + REPOSITORY + "-" + RUN.hex());
  }

  @ParameterizedTest
  @EnumSource(RunNames.Role.class)
  void everyRoleFitsInANodeNameAndIsToldFromAllOthers(RunNames.Role role) {
    Set<RunNames.Role> onceInARun = EnumSet.of(RunNames.Role.SERVER, RunNames.Role.FROZEN);
    List<String> names =
        onceInARun.contains(role)
            ? List.of(NAMES.of(role))
            : List.of(NAMES.of(role), NAMES.of(role, 0), NAMES.of(role, 9999));
    for (String name : names) {
      assertThat(name).hasSizeLessThanOrEqualTo(31).matches("[a-z0-9-]+");
      assertThat(RunNames.isOurs(name)).isTrue();
      for (RunNames.Role other : RunNames.Role.values()) {
        assertThat(RunNames.hasRole(name, other)).as(name + " " + other).isEqualTo(role == other);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nbdv",
        "nbdv-node",
        "nbdv-01234567-fedcba98-",
        "nbdv-01234567-fedcba9-fl0",
        "nbdv-0123456G-fedcba98-fl0",
        "my-nbdv-01234567-fedcba98-fl0",
        "nbdv-01234567-fedcba98-fl0-x",
        "NBDV-01234567-fedcba98-fl0"
      })
  void namesOfOthersAreNotOurs(String name) {
    assertThat(RunNames.isOurs(name)).isFalse();
    for (RunNames.Role role : RunNames.Role.values()) {
      assertThat(RunNames.hasRole(name, role)).isFalse();
    }
  }

  @Test
  void bitmapsBelongToOneRepository() {
    for (String bitmap : new String[] {NAMES.checkpointBitmap(), NAMES.exportBitmap()}) {
      assertThat(RunNames.isOfRepository(bitmap, REPOSITORY)).isTrue();
      assertThat(RunNames.isOfRepository(bitmap, OTHER)).isFalse();
    }
    assertThat(RunNames.isOfRepository("nbdvault-" + REPOSITORY + "-x", REPOSITORY)).isFalse();
    assertThat(RunNames.isOfRepository("", REPOSITORY)).isFalse();
  }

  @Test
  void checkpointsAndExportedCopiesAreToldApart() {
    assertThat(RunNames.isCheckpoint(NAMES.checkpointBitmap())).isTrue();
    assertThat(RunNames.isCheckpoint(NAMES.exportBitmap())).isFalse();
    assertThat(RunNames.isExportBitmap(NAMES.exportBitmap())).isTrue();
    assertThat(RunNames.isExportBitmap(NAMES.checkpointBitmap())).isFalse();
    assertThat(RunNames.isCheckpoint("nbdvault-cp-mine")).isFalse();
    assertThat(RunNames.isCheckpoint(NAMES.checkpointBitmap() + "0")).isFalse();
  }
}
