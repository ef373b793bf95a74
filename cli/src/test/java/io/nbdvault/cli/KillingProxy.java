package io.nbdvault.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/**
 * Stands between a program and QEMU's monitor, and kills the program when it gives a certain
 * command: before QEMU has got it, or after QEMU has answered it.
 */
final class KillingProxy implements AutoCloseable {
  private final ServerSocketChannel listener;
  private final Path monitor;
  private final String command;
  private final boolean afterwards;
  private final CompletableFuture<NbdvaultProcess> victim = new CompletableFuture<>();
  private final CompletableFuture<Void> killed = new CompletableFuture<>();

  private KillingProxy(
      ServerSocketChannel listener, Path monitor, String command, boolean afterwards) {
    this.listener = listener;
    this.monitor = monitor;
    this.command = command;
    this.afterwards = afterwards;
  }

  /**
   * Listens.
   *
   * @param command the QMP command whose first use kills
   */
  static KillingProxy start(Path socket, Path monitor, String command, boolean afterwards)
      throws IOException {
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    KillingProxy proxy =
        new KillingProxy(
            listener.bind(UnixDomainSocketAddress.of(socket)), monitor, command, afterwards);
    startThread(proxy::serve);
    return proxy;
  }

  private static void startThread(Runnable task) {
    Thread thread = new Thread(task, "killing-proxy");
    thread.setDaemon(true);
    thread.start();
  }

  /** Whom to kill. */
  void victim(NbdvaultProcess process) {
    victim.complete(process);
  }

  /** Whether the command came. */
  boolean hasKilled() {
    return killed.isDone();
  }

  private void serve() {
    try (SocketChannel client = listener.accept();
        SocketChannel qemu = SocketChannel.open(UnixDomainSocketAddress.of(monitor));
        BufferedReader requests = reader(client)) {
      CompletableFuture<Void> answered = new CompletableFuture<>();
      String[] awaited = {""};
      startThread(() -> passAnswers(qemu, client, awaited, answered));
      for (String line = requests.readLine(); line != null; line = requests.readLine()) {
        boolean deadly = line.contains("\"execute\":\"" + command + "\"");
        if (deadly && !afterwards) {
          kill();
          return;
        }
        if (deadly) {
          synchronized (awaited) {
            awaited[0] = line.replaceAll(".*(\"id\":\\d+)}\\s*$", "$1");
          }
        }
        send(qemu, line);
        if (deadly) {
          answered.join();
          return;
        }
      }
    } catch (IOException gone) {
      // The program was killed, or has ended.
      return;
    }
  }

  private void passAnswers(
      SocketChannel qemu, SocketChannel client, String[] awaited, CompletableFuture<Void> done) {
    try (BufferedReader answers = reader(qemu)) {
      for (String line = answers.readLine(); line != null; line = answers.readLine()) {
        String wanted;
        synchronized (awaited) {
          wanted = awaited[0];
        }
        if (!wanted.isEmpty() && line.replace(" ", "").contains(wanted)) {
          kill();
          return;
        }
        send(client, line);
      }
    } catch (IOException gone) {
      // As above.
      return;
    } finally {
      done.complete(null);
    }
  }

  /** Not by a stream: before Java 19 one waits for who reads from another of the same channel. */
  private static void send(SocketChannel channel, String line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private void kill() {
    victim.join().kill();
    killed.complete(null);
  }

  private static BufferedReader reader(SocketChannel channel) {
    return new BufferedReader(
        new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
