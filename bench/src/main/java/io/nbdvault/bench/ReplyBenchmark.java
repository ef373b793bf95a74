package io.nbdvault.bench;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.ReplyDecoder;
import io.nbdvault.nbd.protocol.ReplyListener;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does it cost to decode one data chunk of 256 KiB, by how it is cut, when nobody takes the
 * data? Run it with {@code bench/run ReplyBenchmark}.
 */
@SuppressWarnings("NullAway.Init") // JMH calls record() first.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ReplyBenchmark {
  private static final int PAYLOAD_BYTES = 256 << 10;

  /** Bytes per receive: header and payload apart, or a socket buffer, or a page. */
  @Param({"0", "212992", "4096"})
  public int receiveBytes;

  private ByteBuf stream;
  private Counter counter;
  private ReplyDecoder decoder;

  /** Makes the stream: one chunk with its header. */
  @Setup
  public void record() {
    stream = Unpooled.directBuffer(PAYLOAD_BYTES + 64);
    stream.writeInt(NbdProtocol.STRUCTURED_REPLY_MAGIC);
    stream.writeShort(NbdProtocol.REPLY_FLAG_DONE);
    stream.writeShort(NbdProtocol.REPLY_TYPE_OFFSET_DATA);
    stream.writeLong(0);
    stream.writeInt(8 + PAYLOAD_BYTES);
    stream.writeLong(0);
    stream.writeZero(PAYLOAD_BYTES);
    counter = new Counter();
    decoder = new ReplyDecoder(HeaderStyle.STRUCTURED, counter);
  }

  /** Decodes it once. */
  @Benchmark
  public long decode() throws NbdProtocolException {
    int end = stream.writerIndex();
    int header = end - PAYLOAD_BYTES;
    for (int from = 0; from < end; ) {
      int length = receiveBytes > 0 ? receiveBytes : from == 0 ? header : PAYLOAD_BYTES;
      ByteBuf received = stream.slice(from, Math.min(length, end - from));
      boolean more = true;
      while (more) {
        more = decoder.decode(received);
      }
      from += length;
    }
    return counter.bytes;
  }

  /** Counts what it is told. */
  private static final class Counter implements ReplyListener {
    long bytes;

    @Override
    public int simpleReply(long cookie, int error) {
      return 0;
    }

    @Override
    public void chunk(long cookie, int type, boolean done) {
      bytes++;
    }

    @Override
    public void requestOffset(long offsetBytes) {
      bytes++;
    }

    @Override
    public void dataBegins(long offsetBytes, int lengthBytes) {
      bytes++;
    }

    @Override
    public void data(ByteBuf in, int lengthBytes) {
      bytes += lengthBytes;
      in.skipBytes(lengthBytes);
    }

    @Override
    public void hole(long offsetBytes, long lengthBytes) {
      bytes += lengthBytes;
    }

    @Override
    public void blockStatus(int contextId, int extentCount) {
      bytes++;
    }

    @Override
    public void extent(long lengthBytes, long flags) {
      bytes++;
    }

    @Override
    public void error(int error, String message) {
      throw new IllegalStateException(message);
    }

    @Override
    public void errorOffset(long offsetBytes) {
      throw new IllegalStateException("error at " + offsetBytes);
    }

    @Override
    public void end() {
      bytes++;
    }
  }
}
