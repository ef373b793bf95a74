package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.catalog.Names;
import io.nbdvault.engine.process.PrivateDirectory;
import io.nbdvault.engine.process.Tool;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.source.BackupRequest.Image;
import io.nbdvault.engine.source.BackupSource;
import io.nbdvault.engine.source.SourceContext;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The disks of a stopped machine. A private {@code qemu-storage-daemon} opens its images for
 * writing, since bitmaps are kept in them, and then everything is as with a running machine. The
 * images' locks keep a running QEMU and this apart.
 */
public final class StoppedVm {
  private static final byte[] QCOW2_MAGIC = {'Q', 'F', 'I', (byte) 0xfb};
  private static final Duration START_TIMEOUT = Duration.ofSeconds(20);
  private static final Duration END_TIMEOUT = Duration.ofSeconds(60);

  private final PrivateDirectory directory;
  private final Tool daemon;
  private final QemuConnection qemu;

  private StoppedVm(PrivateDirectory directory, Tool daemon, QemuConnection qemu) {
    this.directory = directory;
    this.daemon = daemon;
    this.qemu = qemu;
  }

  /**
   * Opens the images.
   *
   * @throws JobException when one is missing, is in use, or is not of its format
   */
  public static BackupSource open(List<Image> images, BackupRequest request, SourceContext context)
      throws JobException, IOException, InterruptedException {
    check(images, request);
    for (Image image : images) {
      warnOfFormat(image, context);
    }
    StoppedVm vm = start();
    boolean opened = false;
    try {
      BackupSource source = vm.begin(images, request, context);
      opened = true;
      return source;
    } catch (QmpException e) {
      throw JobException.failed("the backup cannot begin", e);
    } finally {
      if (!opened) {
        vm.release();
      }
    }
  }

  /** A guest can write any header into a raw disk, so this is no more than a warning. */
  private static void warnOfFormat(Image image, SourceContext context) throws IOException {
    if (image.format().equals("raw") && Files.isRegularFile(image.file())) {
      try (InputStream content = Files.newInputStream(image.file())) {
        if (Arrays.equals(content.readNBytes(QCOW2_MAGIC.length), QCOW2_MAGIC)) {
          context
              .listener()
              .onEvent(
                  new JobEvent.Warning(
                      "image "
                          + image.file()
                          + " is given as raw and begins as a qcow2 image: if it is one, the guest's"
                          + " disk is not what is backed up"));
        }
      }
    }
  }

  private static void check(List<Image> images, BackupRequest request) throws JobException {
    Set<String> names = new HashSet<>();
    for (Image image : images) {
      if (!names.add(Names.checkDisk(image.name()))) {
        throw JobException.badRequest("disk '" + image.name() + "' is given twice");
      }
      if (!Files.exists(image.file())) {
        throw JobException.badRequest("image " + image.file() + " does not exist");
      }
      if (Files.isDirectory(image.file())) {
        throw JobException.badRequest("image " + image.file() + " is a directory");
      }
    }
    request.checkNamed(names);
  }

  private static StoppedVm start() throws JobException, IOException, InterruptedException {
    PrivateDirectory directory = PrivateDirectory.create();
    Tool daemon = null;
    boolean started = false;
    try {
      Path socket = directory.resolve("qmp");
      Path pidFile = directory.resolve("pid");
      daemon =
          Tool.start(
              "qemu-storage-daemon",
              List.of(
                  "--pidfile",
                  pidFile.toString(),
                  "--chardev",
                  "socket,id=qmp,server=on,wait=off,path=" + socket,
                  "--monitor",
                  "chardev=qmp"));
      awaitListening(daemon, pidFile);
      StoppedVm vm = new StoppedVm(directory, daemon, QemuConnection.openPrivate(socket));
      started = true;
      return vm;
    } finally {
      if (!started) {
        if (daemon != null) {
          daemon.close();
        }
        directory.close();
      }
    }
  }

  /** The socket is there a moment before anybody listens on it; the pid file comes after that. */
  private static void awaitListening(Tool daemon, Path pidFile)
      throws JobException, InterruptedException {
    long deadline = System.nanoTime() + START_TIMEOUT.toNanos();
    while (!Files.exists(pidFile)) {
      if (!daemon.isRunning()) {
        throw JobException.failed(daemon.failure());
      }
      if (System.nanoTime() - deadline > 0) {
        throw JobException.failed(
            "qemu-storage-daemon did not start within " + START_TIMEOUT.toSeconds() + " s");
      }
      Thread.sleep(5);
    }
  }

  private BackupSource begin(List<Image> images, BackupRequest request, SourceContext context)
      throws JobException, QmpException, InterruptedException {
    for (int index = 0; index < images.size(); index++) {
      if (request.wants(images.get(index).name())) {
        addImage("image" + index, images.get(index));
      }
    }
    List<LiveDisk> disks = query(images, request);
    QemuCleaner cleaner = qemu.cleaner(false, context.limits(), context.listener());
    cleaner.removeBitmaps(BitmapRule.of(context, disks)::isStale);
    LiveBackup.Machine machine =
        new LiveBackup.Machine(
            false,
            query(images, request),
            List.of(),
            Optional.empty(),
            Optional.of(RunningVm.versionOf(qemu.client().greeting())),
            Optional.empty());
    try {
      return LiveBackup.begin(qemu, machine, request, context, this::release);
    } catch (JobException failure) {
      // A raw image's lock is not taken when it is opened, but when the instant is.
      List<String> files =
          images.stream()
              .filter(image -> request.wants(image.name()) && image.format().equals("raw"))
              .map(image -> image.file().toString())
              .toList();
      if (!files.isEmpty()
          && failure.getCause() instanceof QmpCommandException refused
          && isLocked(refused)) {
        throw inUse(
            (files.size() == 1 ? "image " : "one of the images ") + String.join(", ", files),
            refused);
      }
      throw failure;
    }
  }

  private static boolean isLocked(QmpCommandException refused) {
    return refused.desc().contains("Failed to get ") && refused.desc().contains(" lock");
  }

  private static JobException inUse(String what, QmpCommandException refused) {
    return new JobException(
        JobException.Kind.FAILED,
        what + " is in use: if its VM is running, back it up by its QMP socket with --qmp",
        refused);
  }

  private void addImage(String nodeName, Image image) throws JobException, QmpException {
    ObjectNode options =
        JsonNodeFactory.instance
            .objectNode()
            .put("driver", image.format())
            .put("node-name", nodeName)
            .put("read-only", !Files.isWritable(image.file()));
    options.set("file", fileOptions(image));
    try {
      qemu.commands().blockdevAdd(options);
    } catch (QmpCommandException refused) {
      if (isLocked(refused)) {
        throw inUse("image " + image.file(), refused);
      }
      throw JobException.failed("image " + image.file() + " cannot be opened", refused);
    }
  }

  private static ObjectNode fileOptions(Image image) {
    boolean device = !Files.isRegularFile(image.file());
    return JsonNodeFactory.instance
        .objectNode()
        .put("driver", device ? "host_device" : "file")
        .put("filename", image.file().toAbsolutePath().toString());
  }

  private List<LiveDisk> query(List<Image> images, BackupRequest request)
      throws JobException, QmpException {
    List<LiveDisk> disks = new ArrayList<>();
    for (int index = 0; index < images.size(); index++) {
      String name = images.get(index).name();
      if (request.wants(name)) {
        BlockNode node =
            qemu.commands()
                .findNode("image" + index)
                .orElseThrow(
                    () -> JobException.failed("disk '" + name + "': QEMU does not list its node"));
        disks.add(LiveDisk.of(name, node, Optional.empty()));
      }
    }
    if (disks.isEmpty()) {
      throw JobException.badRequest("there is no disk to back up");
    }
    return disks;
  }

  /** Has the daemon end by itself, which is when it stores the bitmaps in the images. */
  private void release() throws JobException {
    try {
      if (qemu.client().isOpen()) {
        var unused = qemu.client().execute("quit");
      }
      if (!daemon.waitFor(END_TIMEOUT)) {
        throw JobException.failed(
            "qemu-storage-daemon did not end within " + END_TIMEOUT.toSeconds() + " s");
      }
    } catch (QmpException e) {
      throw JobException.failed("qemu-storage-daemon cannot be ended", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new JobException(
          JobException.Kind.CANCELLED, "interrupted while ending qemu-storage-daemon", e);
    } finally {
      closeAll();
    }
  }

  /** The connection first, then the daemon, then its directory. */
  private void closeAll() throws JobException {
    try {
      qemu.close();
      daemon.close();
      directory.close();
    } catch (IOException e) {
      throw JobException.failed("the daemon's directory cannot be removed", e);
    }
  }
}
