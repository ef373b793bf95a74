package io.nbdvault.engine.qemu;

import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One run at a time on a VM, whichever repository it is for. The lock is the kernel's, on a file
 * named after the QEMU process or its socket: it ends with the process that holds it, however that
 * dies, and never has to be removed by hand.
 */
final class VmLock implements AutoCloseable {
  /** The keys that this process holds. Any descriptor that it closed would end the lock. */
  private static final Set<String> HELD = ConcurrentHashMap.newKeySet();

  private final String key;
  private final FileChannel channel;

  private VmLock(String key, FileChannel channel) {
    this.key = key;
    this.channel = channel;
  }

  /**
   * @param key names the VM on this host
   * @throws JobException of kind {@code VM_BUSY} when another run holds it, of this process or not
   */
  static VmLock acquire(String key) throws JobException {
    if (!HELD.add(key)) {
      throw new JobException(
          JobException.Kind.VM_BUSY,
          "this VM is being backed up by this process already; a plan may name each QEMU and each"
              + " image once");
    }
    boolean acquired = false;
    try {
      VmLock lock = new VmLock(key, lock(key));
      acquired = true;
      return lock;
    } catch (IOException e) {
      throw JobException.failed("the VM cannot be locked against other runs", e);
    } finally {
      if (!acquired) {
        HELD.remove(key);
      }
    }
  }

  private static FileChannel lock(String key) throws IOException, JobException {
    Path directory = directory();
    Files.createDirectories(directory);
    FileChannel channel =
        FileChannel.open(
            directory.resolve(key + ".lock"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    if (channel.tryLock() == null) {
      String holder = holder(channel);
      channel.close();
      throw busy(holder);
    }
    channel.truncate(0);
    writePid(channel);
    return channel;
  }

  private static JobException busy(String holder) {
    return new JobException(
        JobException.Kind.VM_BUSY, "this VM is being backed up by another run" + holder);
  }

  private static Path directory() {
    Path run = Path.of("/run");
    if (Files.isWritable(run)) {
      return run.resolve("nbdvault");
    }
    // Not a place that depends on the environment: cron and a login must find the same one.
    return Path.of("/tmp", "nbdvault-" + System.getProperty("user.name"));
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(32);
    channel.read(text, 0);
    String pid = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).strip();
    return pid.isEmpty() ? "" : " (pid " + pid + ")";
  }

  private static void writePid(FileChannel channel) throws IOException {
    String pid = ProcessHandle.current().pid() + "\n";
    channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
  }

  @Override
  public void close() throws JobException {
    try {
      channel.close();
    } catch (IOException e) {
      throw JobException.failed("the VM's lock cannot be released", e);
    } finally {
      HELD.remove(key);
    }
  }
}
