package io.nbdvault.nbd.interop;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import java.io.IOException;
import java.nio.channels.FileChannel;

/** The example in README.md, word by word, so that the compiler reads it. */
final class ReadmeExample {
  static final String BEGIN = "    // README begins.\n";
  static final String END = "    // README ends.\n";

  private static final int STEP = 1 << 20;

  private ReadmeExample() {}

  // A block status that succeeds has every negotiated context, and it fails if there is none.
  @SuppressWarnings("NullAway")
  static void copy(String uri, FileChannel file) throws IOException {
    // README begins.
    try (NbdClient client = NbdClient.open(NbdUri.parse(uri), NbdClientOptions.defaults())) {
      long size = client.export().sizeBytes();
      for (long offset = 0, length = 0; offset < size; offset += length) {
        BlockStatus status = client.blocking().blockStatus(offset, Math.min(size - offset, STEP));
        Extent extent = status.contexts().get(BaseAllocation.CONTEXT).get(0);
        length = extent.lengthBytes();
        if ((extent.flags() & BaseAllocation.ZERO) == 0) {
          file.write(client.blocking().read(offset, (int) length), offset);
        }
      }
    }
    // README ends.
  }
}
