package io.nbdvault.engine.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.process.Tool;
import io.nbdvault.engine.serve.overlay.OverlayDirectory;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.server.ListenAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** QEMU's tools as clients of what is served. */
class ServeIT {
  private static final int SIZE = 400 * ServedRepository.CHUNK;
  private static final Duration TOOL_TIMEOUT = Duration.ofSeconds(60);

  @TempDir private Path directory;
  private final Random random = new Random(ServedRepository.seed());
  private final Cancellation cancellation = new Cancellation();
  private ServedRepository repository;
  private Path model;
  private Path socket;

  @BeforeEach
  void begin() throws Exception {
    repository = new ServedRepository(directory.resolve("repository"));
    byte[] content = ServedRepository.content(SIZE, random);
    repository.commit("vm", Map.of("d", content));
    model = Files.write(directory.resolve("model.raw"), content);
    socket = directory.resolve("s");
  }

  private interface Client {
    void use(String uri) throws Exception;
  }

  private void serve(Optional<OverlayDirectory> overlays, Client client) throws Exception {
    CompletableFuture<NbdUri> listening = new CompletableFuture<>();
    Cancellation ending = new Cancellation();
    CompletableFuture<Void> served =
        CompletableFuture.runAsync(
            () -> {
              try {
                new ServeJob(repository.source(), ending)
                    .run(
                        new ServeJob.Request(new ListenAddress.Unix(socket), overlays, false),
                        listening::complete);
              } catch (Exception e) {
                listening.completeExceptionally(e);
                throw new IllegalStateException(e);
              }
            });
    try {
      listening.get(30, TimeUnit.SECONDS);
      client.use(NbdUri.unix(socket, "vm/d@latest").toString());
    } finally {
      ending.cancel();
      served.get(30, TimeUnit.SECONDS);
    }
    assertThat(socket).doesNotExist();
  }

  private void compare(String uri) throws Exception {
    tool("qemu-img", "compare", "-f", "raw", "-F", "raw", model.toString(), uri);
  }

  private static void tool(String... words) throws Exception {
    List<String> all = List.of(words);
    Tool.run(all.get(0), all.subList(1, all.size()), TOOL_TIMEOUT);
  }

  @Test
  void servesWhatQemuComparesWithTheOriginal() throws Exception {
    serve(
        Optional.empty(),
        uri -> {
          compare(uri);
          byte[] changed = Files.readAllBytes(model);
          changed[SIZE / 2] ^= 1;
          Files.write(model, changed);
          assertThatThrownBy(() -> compare(uri)).isInstanceOf(Exception.class);
        });
  }

  @Test
  void keepsWhatQemuWritesOverARestart() throws Exception {
    Optional<OverlayDirectory> overlays =
        Optional.of(new OverlayDirectory(Files.createDirectory(directory.resolve("overlays"))));
    serve(
        overlays,
        uri -> {
          write(uri);
          write(model.toString());
          compare(uri);
        });
    serve(overlays, this::compare);
  }

  private static void write(String to) throws Exception {
    tool(
        "qemu-io",
        "-f",
        "raw",
        "-c",
        "write -P 7 12345 70001",
        "-c",
        "write -z 1M 300k",
        "-c",
        "flush",
        to);
  }

  @Test
  void refusesOtherMachinesWithoutTls() {
    ListenAddress everywhere = ListenAddress.parse("0.0.0.0:0");
    assertThatThrownBy(
            () ->
                new ServeJob(repository.source(), cancellation)
                    .run(
                        new ServeJob.Request(everywhere, Optional.empty(), false),
                        uri -> cancellation.cancel()))
        .isInstanceOf(JobException.class)
        .hasMessageContaining("--insecure");
  }
}
