package io.nbdvault.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

class SnapshotJsonTest {
  @Test
  void listsASnapshotWithItsDisks() {
    ObjectNode json = SnapshotJson.brief(SampleSnapshots.kept(SampleSnapshots.ordinary()));

    assertThat(json.toString())
        .startsWith(
            "{\"v\":1,\"event\":\"snapshot\",\"id\":\"1a2b3c4d5e6f708192a3b4c5d6e7f809\","
                + "\"vm\":\"web1\",")
        .contains("\"time\":\"2026-01-31T02:00:00.123Z\"", "\"tags\":{\"reason\":\"nightly\"}");
    assertThat(json.path("disks")).hasSize(2);
    assertThat(json.path("disks").path(0).path("sizeBytes").longValue()).isEqualTo(10L << 30);
    assertThat(json.path("disks").path(0).has("checkpoint")).isFalse();
    assertThat(json.path("skipped").path(0).path("name").textValue()).isEqualTo("cd0");
  }

  @Test
  void leavesOutWhatIsNotKnown() {
    ObjectNode json = SnapshotJson.full(SampleSnapshots.kept(SampleSnapshots.extreme()));

    assertThat(json.has("parent")).isFalse();
    assertThat(json.has("vmUuid")).isFalse();
    assertThat(json.has("vmConfiguration")).isFalse();
    assertThat(json.path("disks").path(0).has("checkpoint")).isFalse();
  }

  @Test
  void showsTheCheckpointAndTheConfigurationAsTrees() {
    ObjectNode json = SnapshotJson.full(SampleSnapshots.kept(SampleSnapshots.ordinary()));

    assertThat(json.at("/vmConfiguration/machine/type").textValue()).isEqualTo("q35");
    assertThat(json.at("/disks/0/checkpoint/bitmap").textValue()).isEqualTo("nbdvault-cp");
    assertThat(json.at("/disks/0/checkpoint/images/0").textValue()).isEqualTo("/vm/a.qcow2");
  }
}
