package io.nbdvault.nbd.interop;

import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** The example in README.md, word by word, so that the compiler reads it. */
final class ReadmeExample {
  static final String BEGIN = "    // README begins.\n";
  static final String END = "    // README ends.\n";

  private static final int STEP = 1 << 20;

  private ReadmeExample() {}

  static void copy(String uri, FileChannel file) throws IOException {
    // README begins.
    try (NbdClient client = NbdClient.open(NbdUri.parse(uri), NbdClientOptions.defaults())) {
      long size = client.export().sizeBytes();
      for (long offset = 0; offset < size; offset += STEP) {
        int length = (int) Math.min(size - offset, STEP);
        ByteBuffer data = client.blocking().read(offset, length);
        while (data.hasRemaining()) {
          file.write(data, offset + data.position());
        }
      }
    }
    // README ends.
  }
}
