package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.catalog.Names;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.source.BackupRequest.Image;
import io.nbdvault.engine.source.BackupSource;
import io.nbdvault.engine.source.SourceContext;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
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
  private final StorageDaemon daemon;
  private final QemuConnection qemu;

  private StoppedVm(StorageDaemon daemon) {
    this.daemon = daemon;
    this.qemu = daemon.qemu();
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
    StorageDaemon daemon = StorageDaemon.start();
    boolean opened = false;
    try {
      BackupSource source = new StoppedVm(daemon).begin(images, request, context);
      opened = true;
      return source;
    } catch (QmpException e) {
      throw JobException.failed("the backup cannot begin", e);
    } finally {
      if (!opened) {
        daemon.end();
      }
    }
  }

  /** A guest can write any header into a raw disk, so this is no more than a warning. */
  private static void warnOfFormat(Image image, SourceContext context) throws IOException {
    if (image.format().equals("raw") && Qcow2Header.isIn(image.file())) {
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
      return LiveBackup.begin(qemu, machine, request, context, daemon::end);
    } catch (JobException failure) {
      // A raw image's lock is not taken when it is opened, but when the instant is.
      List<String> files =
          images.stream()
              .filter(image -> request.wants(image.name()) && image.format().equals("raw"))
              .map(image -> image.file().toString())
              .toList();
      if (!files.isEmpty()
          && failure.getCause() instanceof QmpCommandException refused
          && StorageDaemon.isLocked(refused)) {
        throw inUse(
            (files.size() == 1 ? "image " : "one of the images ") + String.join(", ", files),
            refused);
      }
      throw failure;
    }
  }

  private static JobException inUse(String what, QmpCommandException refused) {
    return new JobException(
        JobException.Kind.FAILED,
        what + " is in use: if its VM is running, back it up by its QMP socket with --qmp",
        refused);
  }

  private void addImage(String nodeName, Image image) throws JobException, QmpException {
    ObjectNode options =
        StorageDaemon.imageOptions(nodeName, image.file(), image.format())
            .put("read-only", !Files.isWritable(image.file()));
    try {
      qemu.commands().blockdevAdd(options);
    } catch (QmpCommandException refused) {
      if (StorageDaemon.isLocked(refused)) {
        throw inUse("image " + image.file(), refused);
      }
      throw JobException.failed("image " + image.file() + " cannot be opened", refused);
    }
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
}
