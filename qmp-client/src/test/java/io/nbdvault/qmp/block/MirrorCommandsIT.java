package io.nbdvault.qmp.block;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A mirror of a disk that is ready, and then completed or cancelled. */
@Timeout(180)
class MirrorCommandsIT {
  private static final int MIB = 1 << 20;
  private static final String NODE = QemuVm.nodeName("vda");

  @TempDir Path dir;
  private QemuVm vm;
  private BlockCommands block;

  @BeforeEach
  void mirrorUntilReady() throws Exception {
    Path image = dir.resolve("vda.qcow2");
    Path target = dir.resolve("target.raw");
    QemuImg.create(image, "qcow2", 16 * MIB);
    QemuImg.create(target, "raw", 16 * MIB);
    vm = QemuVm.builder(dir).disk("vda", image, "qcow2").start();
    block = new BlockCommands(vm.testMonitor());
    vm.guestWrite("vda", MIB, 65536, 1);
    ObjectNode node =
        JsonNodeFactory.instance.objectNode().put("driver", "raw").put("node-name", "new");
    node.putObject("file").put("driver", "file").put("filename", target.toString());
    block.blockdevAdd(node);
    block.blockdevMirror(new BlockdevMirror("job0", NODE, "new", "top0"));
    for (int i = 0; i < 500 && !block.queryBlockJobs().get(0).ready(); i++) {
      Thread.sleep(20);
    }
    assertThat(block.queryBlockJobs().get(0).ready()).isTrue();
    vm.guestWrite("vda", 2 * MIB, 512, 2);
  }

  @AfterEach
  void stop() throws Exception {
    vm.close();
  }

  private JobInfo awaitConcluded() throws Exception {
    for (int i = 0; i < 500; i++) {
      JobInfo job = block.queryJobs().get(0);
      if (job.status().equals("concluded")) {
        return job;
      }
      Thread.sleep(20);
    }
    throw new AssertionError("the job goes on: " + block.queryJobs());
  }

  private String attached() throws Exception {
    BlockNode inserted = block.queryBlock().get(0).inserted();
    return inserted == null ? "" : inserted.nodeName();
  }

  @Test
  void completedItPutsTheTargetInTheDisksPlace() throws Exception {
    assertThat(block.queryBlockGraph().isUsed(NODE)).isTrue();
    block.jobComplete("job0");
    assertThat(awaitConcluded().error()).isNull();
    block.jobDismiss("job0");
    assertThat(attached()).isEqualTo("new");
    assertThat(block.queryBlockGraph().isUsed(NODE)).isFalse();
    assertThat(block.queryBlockGraph().withDescendants(NODE)).containsExactly(NODE, "vda-file");
    block.blockdevDel(NODE);
    vm.guestRead("vda", MIB, 65536, 1);
    vm.guestRead("vda", 2 * MIB, 512, 2);
  }

  @Test
  void cancelledItLeavesTheDiskWhereItWas() throws Exception {
    block.mirrorCancel("job0");
    assertThat(awaitConcluded().error()).isEqualTo("Operation canceled");
    block.jobDismiss("job0");
    assertThat(attached()).isEqualTo(NODE);
    assertThat(block.queryBlockGraph().isUsed("new")).isFalse();
    block.blockdevDel("new");
    vm.guestRead("vda", 2 * MIB, 512, 2);
  }
}
