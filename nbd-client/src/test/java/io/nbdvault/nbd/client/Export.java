package io.nbdvault.nbd.client;

import static io.nbdvault.nbd.client.ClientFixture.await;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.testkit.Commands;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A whole export, as this client sees it and as the reference tools do. */
final class Export {
  /** An extent with its place; adjacent ones with the same flags are one. */
  record Range(long offsetBytes, long lengthBytes, long flags) {}

  private static final int READ_BYTES = 256 << 10;
  private static final int READS_AHEAD = 64;
  private static final Pattern NBDINFO_LINE = Pattern.compile("(\\d+)\\s+(\\d+)\\s+(\\d+).*");

  private Export() {}

  static String sha256(NbdClient client, ReadFlag... flags)
      throws NbdException, NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    ArrayDeque<ByteBuffer> buffers = new ArrayDeque<>();
    ArrayDeque<CompletableFuture<Void>> reads = new ArrayDeque<>();
    long size = client.export().sizeBytes();
    for (long offset = 0; offset < size || !reads.isEmpty(); ) {
      if (offset < size && reads.size() < READS_AHEAD) {
        int length = (int) Math.min(READ_BYTES, size - offset);
        ByteBuffer buffer =
            reads.size() % 2 == 0 ? ByteBuffer.allocate(length) : ByteBuffer.allocateDirect(length);
        buffers.add(buffer);
        reads.add(client.read(offset, buffer, flags));
        offset += length;
      } else {
        await(reads.remove());
        digest.update(buffers.remove().flip());
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  static String referenceSha256(NbdUri uri) throws IOException, InterruptedException {
    String pipe = "set -o pipefail; nbdcopy \"$1\" - | sha256sum";
    return Commands.run("bash", "-c", pipe, "bash", uri.toString()).substring(0, 64);
  }

  static List<Range> map(NbdClient client, String context) throws NbdException {
    List<Range> ranges = new ArrayList<>();
    long size = client.export().sizeBytes();
    long offset = 0;
    while (offset < size) {
      BlockStatus status = await(client.blockStatus(offset, size - offset));
      for (Extent extent : Objects.requireNonNull(status.contexts().get(context))) {
        append(ranges, new Range(offset, extent.lengthBytes(), extent.flags()));
        offset += extent.lengthBytes();
      }
    }
    return ranges;
  }

  static List<Range> referenceMap(NbdUri uri, String context)
      throws IOException, InterruptedException {
    List<Range> ranges = new ArrayList<>();
    for (String line :
        Commands.run("nbdinfo", "--map=" + context, uri.toString()).split("\n", -1)) {
      Matcher matcher = NBDINFO_LINE.matcher(line.strip());
      if (matcher.matches()) {
        append(
            ranges,
            new Range(
                Long.parseLong(matcher.group(1)),
                Long.parseLong(matcher.group(2)),
                Integer.parseInt(matcher.group(3))));
      }
    }
    return ranges;
  }

  private static void append(List<Range> ranges, Range next) {
    int last = ranges.size() - 1;
    if (last >= 0 && ranges.get(last).flags() == next.flags()) {
      Range before = ranges.get(last);
      ranges.set(
          last,
          new Range(before.offsetBytes(), before.lengthBytes() + next.lengthBytes(), next.flags()));
    } else {
      ranges.add(next);
    }
  }
}
