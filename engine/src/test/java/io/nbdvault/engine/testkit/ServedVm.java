package io.nbdvault.engine.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.nbd.testkit.ExternalServer;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockDevice;
import io.nbdvault.qmp.block.BlockJob;
import io.nbdvault.qmp.block.BlockNode;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import io.nbdvault.qmp.testkit.QemuVmBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Disks that a VM has from an NBD server, as somebody whose VM is lost would start it; and a
 * repository with a snapshot of what is served. Each disk is 64 MiB: zeroes, from 32 MiB on noise,
 * and from 48 MiB on {@link #PATTERN}.
 */
public final class ServedVm implements AutoCloseable {
  public static final int SIZE = 64 << 20;
  public static final int PATTERN = 0x5a;
  public static final int PATTERN_OFFSET = 48 << 20;

  private static final int NOISE_OFFSET = 32 << 20;
  private static final String MARK = ".nbdvault-";

  private final Path directory;
  private final BackupBench bench;
  private final Map<String, Kind> disks = new LinkedHashMap<>();
  private final Map<String, ExternalServer> servers = new LinkedHashMap<>();

  /** How a disk is had from the server. */
  public enum Kind {
    /** A qcow2 file whose header names the export. */
    OVERLAY,
    /** A qcow2 node on a node for the export, which waits ten seconds for a lost server. */
    NAMED_OVERLAY,
    /** A writable export. */
    DIRECT
  }

  public ServedVm(Path directory) throws IOException {
    this.directory = directory;
    this.bench = BackupBench.create(directory, "repository");
  }

  public BackupBench bench() {
    return bench;
  }

  /** Makes a disk and serves it. */
  public ServedVm disk(String name, Kind kind) throws IOException {
    Files.write(original(name), content(name));
    QemuImg.convert(original(name), "raw", directory.resolve(name + "-served.raw"), "raw");
    disks.put(name, kind);
    serve(name);
    if (kind != Kind.DIRECT) {
      Path overlay = overlay(name);
      String unused =
          QemuImg.run(
              List.of("create", "-q", "-f", "qcow2", "-F", "raw", "-b", uri(name), "" + overlay));
    }
    return this;
  }

  private Path original(String name) {
    return directory.resolve(name + "-original.raw");
  }

  /** What a disk held in the snapshot. */
  public static byte[] content(String name) {
    byte[] noise = new byte[PATTERN_OFFSET - NOISE_OFFSET];
    new Random(name.hashCode()).nextBytes(noise);
    byte[] content = new byte[SIZE];
    System.arraycopy(noise, 0, content, NOISE_OFFSET, noise.length);
    Arrays.fill(content, PATTERN_OFFSET, SIZE, (byte) PATTERN);
    return content;
  }

  /** The file that a disk's own writes go to. */
  public Path overlay(String name) {
    return directory.resolve(name + "-overlay.qcow2");
  }

  private Path socket(String name) {
    return directory.resolve(name + ".nbd");
  }

  private String uri(String name) {
    return "nbd+unix:///" + name + "?socket=" + socket(name);
  }

  /** Starts the server of a disk, again after {@link #killServer}. */
  public void serve(String name) throws IOException {
    Files.deleteIfExists(socket(name));
    List<String> arguments = new ArrayList<>(List.of("-e", "8", "-x", name, "-f", "raw"));
    if (disks.get(name) != Kind.DIRECT) {
      arguments.add("-r");
    }
    arguments.addAll(List.of("-k", socket(name).toString()));
    arguments.add(directory.resolve(name + "-served.raw").toString());
    servers.put(name, ExternalServer.qemuNbd(directory, arguments.toArray(new String[0])));
  }

  /** Kills the server of a disk. */
  public void killServer(String name) throws InterruptedException {
    ExternalServer server = Objects.requireNonNull(servers.remove(name));
    server.kill();
    server.close();
  }

  public void killServers() throws InterruptedException {
    for (String name : List.copyOf(servers.keySet())) {
      killServer(name);
    }
  }

  /** Backs up what is served. */
  public SnapshotRecord backUpOriginals() throws IOException, JobException, InterruptedException {
    return bench.backup(
        BackupBench.request(
            "vm",
            new BackupRequest.StoppedImages(
                disks.keySet().stream()
                    .map(name -> new BackupRequest.Image(name, original(name), "raw"))
                    .toList())));
  }

  /** Gives the disks to a VM. */
  public QemuVmBuilder addTo(QemuVmBuilder builder) {
    disks.forEach((name, kind) -> add(builder, name, kind));
    return builder;
  }

  private void add(QemuVmBuilder builder, String name, Kind kind) {
    String export =
        "driver=nbd,export=" + name + ",server.type=unix,server.path=" + socket(name) + ",";
    String device = "virtio-blk-pci,id=" + name + ",drive=" + QemuVm.nodeName(name);
    switch (kind) {
      case OVERLAY -> builder.disk(name, overlay(name), "qcow2");
      case NAMED_OVERLAY ->
          builder
              .blockdev(export + "node-name=" + name + "-nbd,read-only=on,reconnect-delay=10")
              .disk(name, overlay(name), "qcow2", "backing=" + name + "-nbd");
      case DIRECT ->
          builder.args(
              "-blockdev", export + "node-name=" + QemuVm.nodeName(name), "-device", device);
    }
  }

  /** Has our jobs in this QEMU copy no faster. */
  public static void slowDown(QemuVm vm, long bytesPerSecond) throws QmpException {
    for (BlockJob job : new BlockCommands(vm.testMonitor()).queryBlockJobs()) {
      var unused =
          vm.testMonitor()
              .execute(
                  "block-job-set-speed",
                  JsonNodeFactory.instance
                      .objectNode()
                      .put("device", job.id())
                      .put("speed", bytesPerSecond));
    }
  }

  /** Asserts that a disk is on a file and that nothing of its way there is left. */
  public void assertLocal(QemuVm vm, String disk, Path file) throws IOException {
    BlockCommands qemu = new BlockCommands(vm.testMonitor());
    BlockNode node =
        qemu.queryBlock().stream()
            .filter(device -> disk.equals(device.deviceId()))
            .map(BlockDevice::inserted)
            .findFirst()
            .orElseThrow();
    assertThat(node.file()).isEqualTo(file.toRealPath().toString());
    assertThat(node.chain()).hasSize(1);
    assertThat(qemu.queryJobs()).isEmpty();
    assertThat(qemu.queryNamedBlockNodes())
        .extracting(BlockNode::file)
        .noneMatch(name -> name.contains(disk + ".nbd") || name.contains(disk + "-overlay"));
    assertNoMarks();
  }

  /** Asserts that a disk is where it was and that nothing of ours is left. */
  public void assertUnmoved(QemuVm vm, Path target) throws IOException {
    BlockCommands qemu = new BlockCommands(vm.testMonitor());
    assertThat(qemu.queryBlock())
        .extracting(BlockDevice::inserted)
        .extracting(BlockNode::nodeName)
        .containsExactlyElementsOf(disks.keySet().stream().map(QemuVm::nodeName).toList());
    assertThat(target).doesNotExist();
    assertNoMarks();
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
  }

  private void assertNoMarks() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .as("marks")
          .noneMatch(name -> name.contains(MARK));
    }
  }

  @Override
  public void close() {
    servers.values().forEach(ExternalServer::close);
  }
}
