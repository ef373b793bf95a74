package io.nbdvault.nbd.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdTlsException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.TlsSettings;
import io.nbdvault.nbd.testkit.TlsFiles;
import io.nbdvault.nbd.testkit.TlsFiles.KeyType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a server may do to a client behind STARTTLS; the servers are the JDK's sockets. */
@Timeout(60)
final class HostileTlsServerTest {
  private static final TlsFiles CA = new TlsFiles("authority", KeyType.EC);
  private static final TlsFiles.Identity SERVER = CA.issue("server", "127.0.0.1");

  @TempDir Path dir;

  /** What a server does with its one connection. */
  private interface Script {
    void serve(Socket socket) throws Exception;
  }

  private final class Server implements AutoCloseable {
    private final ServerSocket listener;
    private final Thread thread;
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    Server(Script script) throws IOException {
      listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
      thread =
          new Thread(
              () -> {
                try (Socket socket = listener.accept()) {
                  script.serve(socket);
                } catch (IOException e) {
                  // The client went away, which is what most of these scripts are for.
                } catch (Exception | AssertionError e) {
                  failure.set(e);
                }
              },
              "hostile-server");
      thread.setDaemon(true);
      thread.start();
    }

    NbdUri uri() throws IOException {
      return NbdUri.tcp("127.0.0.1", listener.getLocalPort(), "")
          .withTls(
              new TlsSettings.X509(
                  Optional.of(CA.client(dir.resolve("client"))), Optional.empty(), true));
    }

    NbdUri pskUri() throws IOException {
      return NbdUri.tcp("127.0.0.1", listener.getLocalPort(), "")
          .withTls(new TlsSettings.Psk(TlsFiles.psk(dir, "alice", "00"), Optional.empty()));
    }

    @Override
    public void close() throws IOException {
      listener.close();
      if (failure.get() != null) {
        throw new AssertionError("the server's script failed", failure.get());
      }
    }
  }

  private static SSLSocket tls(Socket socket, String version) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(
        "server",
        SERVER.keys().getPrivate(),
        new char[0],
        new Certificate[] {new JcaX509CertificateConverter().getCertificate(SERVER.certificate())});
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(store, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    SSLSocket secured = (SSLSocket) context.getSocketFactory().createSocket(socket, null, 0, true);
    secured.setUseClientMode(false);
    secured.setEnabledProtocols(new String[] {version});
    secured.startHandshake();
    return secured;
  }

  private static SecuredChannel open(NbdUri uri) throws Exception {
    SecuredChannel channel = SecuredChannel.connect(uri);
    try {
      channel.secure(uri);
      return channel;
    } catch (Exception | AssertionError e) {
      channel.close();
      throw e;
    }
  }

  private static void assertRefused(NbdUri uri, String reason) {
    assertThatThrownBy(() -> open(uri).close())
        .isInstanceOf(NbdTlsException.class)
        .hasMessageContaining(reason);
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void passesBytesBothWays(String version) throws Exception {
    long seed = Long.getLong("nbdvault.seed", System.nanoTime());
    System.out.println("nbdvault.seed=" + seed);
    Random random = new Random(seed);
    byte[] sent = new byte[3 << 20];
    random.nextBytes(sent);
    try (Server server =
            new Server(
                socket -> {
                  try (SSLSocket secured = tls(socket, version)) {
                    DataInputStream in = new DataInputStream(secured.getInputStream());
                    byte[] got = new byte[sent.length];
                    in.readFully(got);
                    secured.getOutputStream().write(got);
                    in.read();
                  }
                });
        SecuredChannel channel = open(server.uri())) {
      int at = 0;
      while (at < sent.length) {
        int piece = Math.min(sent.length - at, random.nextInt(1 << random.nextInt(21)) + 1);
        ByteBuf bytes = Unpooled.copiedBuffer(sent, at, piece);
        if (random.nextBoolean()) {
          var unused = channel.channel().write(bytes);
        } else {
          var unused = channel.channel().writeAndFlush(bytes);
        }
        at += piece;
      }
      channel.channel().flush();
      ByteBuf echoed = channel.read(sent.length);
      assertThat(echoed).isEqualTo(Unpooled.wrappedBuffer(sent));
      echoed.release();
    }
  }

  @Test
  void refusesToRenegotiate() throws Exception {
    try (Server server =
            new Server(
                socket -> {
                  try (SSLSocket secured = tls(socket, "TLSv1.2")) {
                    secured.getOutputStream().write(1);
                    // On an established connection this asks for a second handshake.
                    secured.startHandshake();
                    secured.getInputStream().read();
                    secured.getOutputStream().write(2);
                    secured.getInputStream().read();
                  }
                });
        SecuredChannel channel = open(server.uri())) {
      channel.read(1).release();
      assertThatThrownBy(() -> channel.read(1).release())
          .isInstanceOf(NbdTlsException.class)
          .hasMessage("the server wants to renegotiate TLS");
      assertThat(channel.channel().closeFuture().await(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void aConnectionCutOffIsAClosedOne() throws Exception {
    try (Server server =
            new Server(
                socket -> {
                  SSLSocket secured = tls(socket, "TLSv1.3");
                  secured.getOutputStream().write(1);
                  // Under TLS's feet: no close_notify.
                  socket.shutdownOutput();
                  socket.getInputStream().readAllBytes();
                });
        SecuredChannel channel = open(server.uri())) {
      channel.read(1).release();
      assertThatThrownBy(() -> channel.read(1).release())
          .isInstanceOf(NbdDisconnectedException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void closeNotifyClosesTheConnectionThatStaysOpenBelow(String version) throws Exception {
    CountDownLatch seen = new CountDownLatch(1);
    try (Server server =
            new Server(
                socket -> {
                  SSLSocket secured = tls(socket, version);
                  secured.getOutputStream().write(1);
                  secured.shutdownOutput();
                  // The script's end would close the socket.
                  seen.await(30, TimeUnit.SECONDS);
                });
        SecuredChannel channel = open(server.uri())) {
      channel.read(1).release();
      assertThatThrownBy(() -> channel.read(1).release())
          .isInstanceOf(NbdDisconnectedException.class);
      seen.countDown();
    }
  }

  @Test
  void saysThatTheServerSpeaksNoTls() throws Exception {
    for (boolean psk : List.of(false, true)) {
      try (Server server =
          new Server(
              socket -> {
                socket.getInputStream().readNBytes(5);
                socket.getOutputStream().write("NBDMAGIC".getBytes(StandardCharsets.US_ASCII));
                socket.getInputStream().readAllBytes();
              })) {
        assertRefused(
            psk ? server.pskUri() : server.uri(), "does not speak TLS although it agreed to");
      }
    }
  }

  @Test
  void saysThatTheServerClosedDuringTheHandshake() throws Exception {
    for (boolean psk : List.of(false, true)) {
      try (Server server = new Server(socket -> socket.getInputStream().readNBytes(20))) {
        assertRefused(
            psk ? server.pskUri() : server.uri(),
            "the server closed the connection during the TLS handshake");
      }
    }
  }

  @Test
  void doesNotTakeACertificateForAKey() throws Exception {
    for (String version : List.of("TLSv1.2", "TLSv1.3")) {
      try (Server server = new Server(socket -> tls(socket, version).close())) {
        assertThatThrownBy(() -> open(server.pskUri()).close()).isInstanceOf(NbdTlsException.class);
      }
    }
  }

  @Test
  void doesNotSpeakOldVersions() throws Exception {
    // ServerHello of TLS 1.1, as short as may be.
    byte[] hello = new byte[5 + 4 + 2 + 32 + 1 + 2 + 1];
    System.arraycopy(new byte[] {22, 3, 2, 0, (byte) (hello.length - 5)}, 0, hello, 0, 5);
    hello[5] = 2;
    hello[8] = (byte) (hello.length - 9);
    hello[9] = 3;
    hello[10] = 2;
    hello[44] = (byte) 0xc0;
    hello[45] = 0x13;
    for (boolean psk : List.of(false, true)) {
      try (Server server =
          new Server(
              socket -> {
                socket.getInputStream().readNBytes(5);
                socket.getOutputStream().write(hello);
                socket.getInputStream().readAllBytes();
              })) {
        assertRefused(psk ? server.pskUri() : server.uri(), "TLS with the server failed");
      }
    }
  }

  @Test
  void encryptsNoFasterThanTheServerReads() throws Exception {
    CountDownLatch read = new CountDownLatch(1);
    byte[] sent = new byte[32 << 20];
    new Random(1).nextBytes(sent);
    try (Server server =
            new Server(
                socket -> {
                  try (SSLSocket secured = tls(socket, "TLSv1.3");
                      OutputStream out = secured.getOutputStream()) {
                    read.await(30, TimeUnit.SECONDS);
                    byte[] got = new byte[sent.length];
                    new DataInputStream(secured.getInputStream()).readFully(got);
                    out.write(Arrays.equals(got, sent) ? 1 : 0);
                    secured.getInputStream().read();
                  }
                });
        SecuredChannel channel = open(server.uri())) {
      ChannelFuture written = channel.channel().writeAndFlush(Unpooled.wrappedBuffer(sent));
      // Time enough to fill the socket, if nothing held the encryption back to fill the heap.
      Thread.sleep(500);
      assertThat(written.isDone()).isFalse();
      long encrypted = channel.channel().unsafe().outboundBuffer().totalPendingWriteBytes();
      assertThat(encrypted).isLessThan(4L * PacedWrites.PIECE_BYTES);
      read.countDown();
      ByteBuf verdict = channel.read(1);
      assertThat(verdict.readByte()).isEqualTo((byte) 1);
      verdict.release();
      assertThat(written.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(written.isSuccess()).isTrue();
    }
  }

  @Test
  void closingGivesUpWhatIsNotYetWritten() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    try (Server server =
        new Server(
            socket -> {
              tls(socket, "TLSv1.3");
              over.await(30, TimeUnit.SECONDS);
            })) {
      SecuredChannel channel = open(server.uri());
      ChannelFuture written =
          channel.channel().writeAndFlush(Unpooled.wrappedBuffer(new byte[32 << 20]));
      channel.close();
      assertThat(written.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(written.isSuccess()).isFalse();
      over.countDown();
    }
  }
}
