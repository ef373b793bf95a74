package io.nbdvault.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.chunkstore.key.PrivateKey;
import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Makes a pair of keys. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Makes a pair of keys for recovery.",
    description =
        "%nFILE gets the private key, to be kept away from the machines that make backups; FILE.pub"
            + " gets the public key, which is all that key add --recipient needs. OpenSSL's keys of"
            + " X25519 do too. Needs no repository.",
    footer = {
      "%nExamples:",
      "  nbdvault key generate /safe/recovery.pem",
      "  nbdvault -r /backup restore web1@latest --to /restored --key-file /safe/recovery.pem"
    })
final class KeyGenerateCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Parameters(paramLabel = "FILE", description = "The private key: a file that is not there yet.")
  private Path file = Path.of("");

  KeyGenerateCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException {
    Path parent = file.toAbsolutePath().getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw JobException.badRequest("directory " + parent + " does not exist");
    }
    Path publicFile = Path.of(file + ".pub");
    // Each is refused where it is made, too; but neither must be there without the other.
    for (Path taken : List.of(file, publicFile)) {
      if (Files.exists(taken)) {
        throw new FileAlreadyExistsException(taken.toString());
      }
    }
    PrivateKey.Pair pair = PrivateKey.generate();
    write(file, pair.privateKey().toPem(), "rw-------");
    write(publicFile, pair.recipient().toPem(), "rw-r--r--");
    KeyCommand.tell(
        root,
        "key-generate",
        JsonNodeFactory.instance
            .objectNode()
            .put("privateKey", file.toString())
            .put("publicKey", publicFile.toString()),
        "private key: " + file + "; public key: " + publicFile);
    return ExitCode.OK;
  }

  private static void write(Path path, String pem, String permissions) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            path,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions)))) {
      ByteBuffer bytes = ByteBuffer.wrap(pem.getBytes(StandardCharsets.US_ASCII));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
  }
}
