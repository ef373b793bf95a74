package io.nbdvault.qmp.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nbdvault.qmp.QmpProtocolException;
import java.util.List;
import org.junit.jupiter.api.Test;

class BlockRecordsTest {
  private static final String BITMAP =
      "{'name': 'b', 'granularity': 65536, 'count': 131072, 'recording': true, 'busy': false,"
          + " 'persistent': true}";
  private static final String NODE =
      "{'node-name': 'n', 'drv': 'qcow2', 'ro': false, 'file': 'a', 'bps': 0, 'iops_wr': 5,"
          + " 'image': {'filename': 'a', 'format': 'qcow2', 'virtual-size': 1024,"
          + " 'backing-image': {'filename': 'b', 'format': 'raw', 'virtual-size': 512}},"
          + " 'dirty-bitmaps': ["
          + BITMAP
          + "]}";

  private static JsonNode json(String text) throws Exception {
    return new ObjectMapper().readTree(text.replace('\'', '"'));
  }

  @Test
  void parsesNodeWithChainBitmapsAndLimits() throws Exception {
    BlockNode node = BlockNode.parse(json(NODE));
    assertThat(node.chain()).extracting(BlockImage::format).containsExactly("qcow2", "raw");
    assertThat(node.virtualSizeBytes()).isEqualTo(1024);
    assertThat(node.throttled()).isTrue();
    assertThat(node.bitmap("b"))
        .contains(new DirtyBitmap("b", 65536, 131072, true, false, true, false));
    assertThat(node.bitmap("c")).isEmpty();
    assertThat(node.image().actualSizeBytes()).isEqualTo(-1);
    assertThat(node.formatSpecific()).isEmpty();
  }

  @Test
  void namelessBitmapOfAJobHasAnEmptyName() throws Exception {
    assertThat(DirtyBitmap.parse(json(BITMAP.replace("'name': 'b', ", ""))).name()).isEmpty();
  }

  @Test
  void inconsistentIsReadWherePresent() throws Exception {
    String bad = BITMAP.replace("{'name'", "{'inconsistent': true, 'name'");
    assertThat(DirtyBitmap.parse(json(bad)).inconsistent()).isTrue();
  }

  @Test
  void missingMemberOfAnAnswerIsAProtocolError() throws Exception {
    JsonNode node = json(NODE.replace("'drv'", "'driver'"));
    assertThatThrownBy(() -> BlockNode.parse(node))
        .isInstanceOf(QmpProtocolException.class)
        .hasMessageContaining("drv:  (expected: a string)");
  }

  @Test
  void impossibleValueInAnAnswerIsAProtocolError() throws Exception {
    JsonNode node = json(NODE.replace("65536", "65535"));
    assertThatThrownBy(() -> BlockNode.parse(node))
        .isInstanceOf(QmpProtocolException.class)
        .hasMessageContaining("granularityBytes: 65535");
  }

  @Test
  void deviceIdComesFromThePathOfTheDevice() {
    assertThat(device("/machine/peripheral/vda/virtio-backend").deviceId()).isEqualTo("vda");
    assertThat(device("/machine/peripheral/scsi0-0").deviceId()).isEqualTo("scsi0-0");
    assertThat(device("/machine/peripheral-anon/device[3]").deviceId()).isNull();
    assertThat(device("cd0").deviceId()).isEqualTo("cd0");
  }

  private static BlockDevice device(String qdev) {
    return new BlockDevice("", qdev, "unknown", false, false, false, "ok", null);
  }

  @Test
  void actionsHaveQemusSpelling() throws Exception {
    assertThat((JsonNode) new BlockdevBackup("d", "t", "j", "f").toJson())
        .isEqualTo(
            json(
                "{'type': 'blockdev-backup', 'data': {'device': 'd', 'target': 't', 'sync': 'none',"
                    + " 'job-id': 'j', 'filter-node-name': 'f'}}"));
    assertThat(new BlockdevBackup("d", "t", "j", "f", true).toJson().at("/data/on-cbw-error"))
        .isEqualTo(json("'break-snapshot'"));
    assertThat((JsonNode) new DirtyBitmapMerge("n", "t", List.of("a", "b")).toJson())
        .isEqualTo(
            json(
                "{'type': 'block-dirty-bitmap-merge', 'data': {'node': 'n', 'target': 't',"
                    + " 'bitmaps': ['a', 'b']}}"));
    assertThat(new AbortAction().toJson().path("type").asText()).isEqualTo("abort");
  }

  @Test
  void mirrorHasQemusSpelling() throws Exception {
    assertThat((JsonNode) new BlockdevMirror("j", "d", "t", "f").arguments())
        .isEqualTo(
            json(
                "{'job-id': 'j', 'device': 'd', 'target': 't', 'filter-node-name': 'f',"
                    + " 'sync': 'full', 'copy-mode': 'write-blocking', 'on-source-error': 'report',"
                    + " 'on-target-error': 'report', 'auto-dismiss': false}"));
  }

  @Test
  void graphTellsWhatLiesBeneathANodeAndWhetherAnythingLiesAboveIt() throws Exception {
    BlockGraph graph =
        BlockGraph.parse(
            json(
                "{'nodes': [{'id': 1, 'type': 'block-backend', 'name': 'vda'},"
                    + " {'id': 2, 'type': 'block-driver', 'name': 'top'},"
                    + " {'id': 4, 'type': 'block-driver', 'name': 'file'},"
                    + " {'id': 8, 'type': 'block-driver', 'name': 'nbd'},"
                    + " {'id': 16, 'type': 'block-driver', 'name': 'vda'}],"
                    + " 'edges': [{'parent': 1, 'child': 2, 'name': 'root'},"
                    + " {'parent': 2, 'child': 8, 'name': 'backing'},"
                    + " {'parent': 2, 'child': 4, 'name': 'file'}]}"));
    assertThat(graph.withDescendants("top")).containsExactly("top", "nbd", "file");
    assertThat(graph.withDescendants("file")).containsExactly("file");
    assertThat(graph.withDescendants("vda")).as("the node, not the device").containsExactly("vda");
    assertThat(graph.withDescendants("absent")).isEmpty();
    assertThat(graph.isUsed("top")).isTrue();
    assertThat(graph.isUsed("nbd")).isTrue();
    assertThat(graph.isUsed("vda")).isFalse();
    assertThat(graph.isUsed("absent")).isFalse();
  }

  @Test
  void bitmapsOfAnExportAreNamedAsTheSchemaHasIt() throws Exception {
    BlockExportRequest request =
        new BlockExportRequest("e", "n", "vda", false, List.of(new NodeBitmap("d", "b")), false);
    assertThat(request.toJson(true).path("bitmaps"))
        .isEqualTo(json("[{'node': 'd', 'name': 'b'}]"));
    assertThat(request.toJson(false).path("bitmaps")).isEqualTo(json("['b']"));
  }

  @Test
  void recordsRefuseWhatQemuWouldRefuse() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DirtyBitmapAdd("n", "b", 1000, true, false))
        .withMessageContaining("granularityBytes: 1000 (expected: a power of two");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DirtyBitmapAdd("n", "b".repeat(1024), 65536, true, false))
        .withMessageContaining("name: 1024 bytes (expected: <= 1023)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DirtyBitmapMerge("n", "b", List.of()))
        .withMessageContaining("at least one bitmap");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new BlockExportRequest("e", "n", "x".repeat(4097), false, List.of(), false))
        .withMessageContaining("name: 4097 bytes");
  }
}
