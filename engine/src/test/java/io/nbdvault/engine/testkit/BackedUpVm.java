package io.nbdvault.engine.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.DirtyBitmap;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import io.nbdvault.qmp.testkit.QemuVmBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A VM through its life: disks with a model each, a QEMU that is started, ended and started again,
 * and backups of which every disk is compared with its model, byte for byte, at once.
 */
public final class BackedUpVm implements AutoCloseable {
  /** The VM's name in the repository. */
  public static final String NAME = "vm";

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Path directory;
  private final BackupBench bench;
  private final Map<String, Disk> disks = new LinkedHashMap<>();
  private UnaryOperator<QemuVmBuilder> more = builder -> builder;
  private @Nullable QemuVm running;

  /** A disk: what it is and what it must hold. */
  private record Disk(Path image, String format, DiskModel model) {}

  /** A VM without disks, not running, with a repository called {@code repository}. */
  public BackedUpVm(Path directory) throws IOException {
    this.directory = directory;
    this.bench = BackupBench.create(directory, "repository");
  }

  public BackupBench bench() {
    return bench;
  }

  /** Creates an image and adds it; call before {@link #start}. */
  public BackedUpVm disk(String name, String format, int sizeBytes, String... options)
      throws IOException {
    Path image = directory.resolve(name + "." + format);
    QemuImg.create(image, format, sizeBytes, options);
    disks.put(name, new Disk(image, format, new DiskModel(sizeBytes)));
    return this;
  }

  /** Calls a disk by another name from the next start on. */
  public void rename(String from, String to) {
    disks.put(to, removed(from));
  }

  /** Puts a disk on another image from the next start on; its content must be the same. */
  public void useImage(String name, Path image, String format) {
    disks.put(name, new Disk(image, format, model(name)));
  }

  private Disk removed(String name) {
    Disk disk = disks.remove(name);
    if (disk == null) {
      throw new IllegalArgumentException("disk: " + name + " (expected: one of the VM's)");
    }
    return disk;
  }

  /** Adds to QEMU's command line at every start. */
  public BackedUpVm with(UnaryOperator<QemuVmBuilder> options) {
    more = options;
    return this;
  }

  /** Starts QEMU with the disks that there are. */
  public BackedUpVm start() throws IOException {
    QemuVmBuilder builder = QemuVm.builder(directory);
    disks.forEach((name, disk) -> builder.disk(name, disk.image(), disk.format()));
    running = more.apply(builder).start();
    return this;
  }

  /** The QEMU that runs. */
  public QemuVm qemu() {
    QemuVm vm = running;
    if (vm == null) {
      throw new IllegalStateException("QEMU is not running");
    }
    return vm;
  }

  public BlockCommands commands() {
    return new BlockCommands(qemu().testMonitor());
  }

  public QemuState state() {
    return new QemuState(qemu().testMonitor());
  }

  public Path image(String disk) {
    return find(disk).image();
  }

  public DiskModel model(String disk) {
    return find(disk).model();
  }

  private Disk find(String name) {
    Disk disk = disks.get(name);
    if (disk == null) {
      throw new IllegalArgumentException("disk: " + name + " (expected: one of the VM's)");
    }
    return disk;
  }

  /** Writes through the guest's device, and to the model. */
  public void write(String disk, int offset, int length, int pattern) throws IOException {
    model(disk).write(qemu(), disk, offset, length, pattern);
  }

  /** Runs a QMP command with arguments in JSON, single quotes allowed. */
  public JsonNode qmp(String command, String arguments) throws IOException {
    return qemu()
        .testMonitor()
        .execute(command, (ObjectNode) MAPPER.readTree(arguments.replace('\'', '"')));
  }

  /** A request for all disks of the QEMU that runs. */
  public BackupRequest request() {
    return BackupBench.live(NAME, qemu().toolSocket());
  }

  /** Backs up all disks; see {@link #backUp(BackupRequest)}. */
  public SnapshotRecord backUp() throws IOException, JobException, InterruptedException {
    return backUp(request());
  }

  /**
   * Backs up, and asserts that the snapshot holds what the models hold, that its disks continue
   * from its own checkpoints and from no other, and that nothing else of ours is left.
   */
  public SnapshotRecord backUp(BackupRequest request)
      throws IOException, JobException, InterruptedException {
    SnapshotRecord snapshot = bench.backup(request);
    assertHoldsTheModels(snapshot);
    state().assertNothingOfOurs(directory);
    for (DiskRecord disk : snapshot.disks()) {
      assertThat(bitmaps(disk.name()))
          .as("bitmaps of %s", disk.name())
          .containsExactlyElementsOf(
              disk.checkpoint().map(c -> List.of(c.bitmapName())).orElse(List.of()));
    }
    return snapshot;
  }

  /** Asserts that each disk in the snapshot is what its model is now. */
  public void assertHoldsTheModels(SnapshotRecord snapshot)
      throws IOException, JobException, InterruptedException {
    for (DiskRecord disk : snapshot.disks()) {
      assertThat(disk.sizeBytes()).isEqualTo(model(disk.name()).sizeBytes());
      bench.assertRestores(snapshot, disk.name(), model(disk.name()).copy());
    }
  }

  /**
   * The names of all bitmaps on the node that a disk's device sits on, without the size marks, each
   * of which must stand beside its checkpoint.
   */
  public List<String> bitmaps(String disk) throws QmpException {
    List<String> all = activeNode(disk).stream().map(DirtyBitmap::name).sorted().toList();
    List<String> marks = all.stream().filter(name -> name.startsWith("nbdvault-size-")).toList();
    assertThat(all)
        .as("checkpoints of the size marks")
        .containsAll(marks.stream().map(m -> m.replace("nbdvault-size-", "nbdvault-cp-")).toList());
    return all.stream().filter(name -> !marks.contains(name)).toList();
  }

  /** The bitmap of that name, which must be there. */
  public DirtyBitmap bitmap(String disk, String name) throws QmpException {
    return activeNode(disk).stream()
        .filter(bitmap -> bitmap.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no bitmap " + name + " on " + disk));
  }

  private List<DirtyBitmap> activeNode(String disk) throws QmpException {
    return commands().queryBlock().stream()
        .filter(device -> disk.equals(device.deviceId()))
        .map(device -> device.inserted())
        .filter(node -> node != null)
        .flatMap(node -> node.dirtyBitmaps().stream())
        .toList();
  }

  /** Has QEMU end by itself, which stores bitmaps. */
  public void quit() throws IOException {
    qemu().quit();
    close();
  }

  /** SIGKILL. */
  public void kill() throws IOException {
    qemu().kill();
    close();
  }

  /** Kills QEMU if it runs. */
  @Override
  public void close() throws IOException {
    QemuVm vm = running;
    running = null;
    if (vm != null) {
      vm.close();
    }
  }
}
