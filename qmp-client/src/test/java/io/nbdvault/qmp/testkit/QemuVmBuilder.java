package io.nbdvault.qmp.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Puts a {@link QemuVm}'s command line together. Always TCG: a test does not need KVM. */
public final class QemuVmBuilder {
  private final Path dir;
  private final List<String> devices = new ArrayList<>();
  private final List<String> extra = new ArrayList<>();
  private String machine = "q35";
  private boolean paused = true;
  private int memoryMib = 64;
  private int cdroms;

  QemuVmBuilder(Path dir) {
    this.dir = dir;
  }

  /**
   * Adds a virtio disk with an image.
   *
   * @param id device id, from which node names are made
   * @param format {@code qcow2} or {@code raw}
   * @param driveOptions of the format node, for example {@code read-only=on}
   */
  public QemuVmBuilder disk(String id, Path image, String format, String... driveOptions) {
    blockdev(id, image, format, driveOptions);
    add("-device", "virtio-blk-pci,id=" + id + ",drive=" + QemuVm.nodeName(id));
    return this;
  }

  /** Adds a virtio disk with an I/O thread of its own. */
  public QemuVmBuilder iothreadDisk(String id, Path image, String format, String... driveOptions) {
    blockdev(id, image, format, driveOptions);
    add("-object", "iothread,id=" + id + "-thread");
    add(
        "-device",
        "virtio-blk-pci,id="
            + id
            + ",drive="
            + QemuVm.nodeName(id)
            + ",iothread="
            + id
            + "-thread");
    return this;
  }

  /** Adds a CD-ROM drive {@code cd0}, {@code cd1}, … with a medium, a raw image. */
  public QemuVmBuilder cdrom(Path medium) {
    String id = "cd" + cdroms;
    blockdev(id, medium, "raw", "read-only=on");
    return cdromDevice(",drive=" + QemuVm.nodeName(id));
  }

  /** Adds an empty CD-ROM drive. */
  public QemuVmBuilder cdrom() {
    return cdromDevice("");
  }

  private QemuVmBuilder cdromDevice(String drive) {
    add("-device", "ahci,id=ahci" + cdroms);
    add("-device", "ide-cd,id=cd" + cdroms + ",bus=ahci" + cdroms + ".0" + drive);
    cdroms++;
    return this;
  }

  /** Adds a block node that disks which are added later may refer to. */
  public QemuVmBuilder blockdev(String options) {
    add("-blockdev", options);
    return this;
  }

  /** Appends arguments as they are. */
  public QemuVmBuilder args(String... args) {
    extra.addAll(List.of(args));
    return this;
  }

  /** Whether the virtual CPUs stay stopped ({@code -S}), as is the default. */
  public QemuVmBuilder paused(boolean value) {
    paused = value;
    return this;
  }

  /** The machine type, {@code q35} by default. */
  public QemuVmBuilder machine(String value) {
    machine = value;
    return this;
  }

  /** The guest's memory, 64 MiB by default. */
  public QemuVmBuilder memoryMib(int value) {
    memoryMib = value;
    return this;
  }

  /** Starts QEMU and waits until its monitors serve; on failure shows its standard error. */
  public QemuVm start() throws IOException {
    // A name of its own for every start, so that a VM can be started again in the same directory.
    Path sockets = Files.createTempDirectory(dir, "vm");
    Path tool = sockets.resolve("tool.qmp");
    Path test = sockets.resolve("test.qmp");
    List<String> command = new ArrayList<>();
    command.add("qemu-system-x86_64");
    command.addAll(List.of("-accel", "tcg", "-display", "none", "-nodefaults"));
    command.addAll(List.of("-machine", machine, "-m", Integer.toString(memoryMib)));
    for (Path socket : List.of(tool, test)) {
      command.addAll(List.of("-qmp", "unix:" + escape(socket) + ",server=on,wait=off"));
    }
    if (paused) {
      command.add("-S");
    }
    command.addAll(devices);
    command.addAll(extra);
    ChildProcess process = ChildProcess.start(dir, "qemu", command);
    return new QemuVm(Monitors.await(process, tool, test), List.copyOf(command));
  }

  private void blockdev(String id, Path image, String format, String... options) {
    StringBuilder text =
        new StringBuilder("driver=")
            .append(format)
            .append(",node-name=")
            .append(QemuVm.nodeName(id))
            .append(",discard=unmap,file.driver=file,file.discard=unmap,file.node-name=")
            .append(id)
            .append("-file,file.filename=")
            .append(escape(image));
    for (String option : options) {
      text.append(',').append(option);
    }
    add("-blockdev", text.toString());
  }

  private void add(String option, String value) {
    devices.add(option);
    devices.add(value);
  }

  /** In QEMU's option lists a comma is doubled. */
  private static String escape(Path path) {
    return path.toString().replace(",", ",,");
  }
}
