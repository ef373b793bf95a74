package io.nbdvault.bench;

import com.sun.management.OperatingSystemMXBean;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.bulk.BulkOptions;
import io.nbdvault.nbd.bulk.DataLease;
import io.nbdvault.nbd.bulk.ExtentReader;
import io.nbdvault.nbd.bulk.ExtentSink;
import io.nbdvault.nbd.bulk.Lease;
import io.nbdvault.nbd.bulk.Selection;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.internal.PlatformDependent;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.LongAdder;

/**
 * How long does it take to read every allocated byte of an export to nowhere, and what does it
 * cost? Started by {@code bench/nbd-read}, once for each figure, as a program of its own: what a
 * short run pays for a cold JVM is part of the question.
 */
public final class NbdRead {
  private final LongAdder dataBytes = new LongAdder();
  private final LongAdder zeroBytes = new LongAdder();

  private NbdRead() {}

  /**
   * Reads {@code URI [--connections=N] [--depth=N] [--request=BYTES] [--buffers=BYTES] …}; with
   * {@code --warm=N} only after so many reads that do not count.
   */
  public static void main(String[] args)
      throws NbdException, InterruptedException, ExecutionException {
    Map<String, Long> numbers = numbers(args);
    NbdClientOptions options = NbdClientOptions.defaults();
    options =
        options
            .withConnections(number(numbers, "--connections", options.connections()))
            .withRequestsInFlightMaxPerConnection(
                number(numbers, "--depth", options.requestsInFlightMaxPerConnection()));
    BulkOptions bulk = BulkOptions.defaults();
    bulk =
        new BulkOptions(
            number(numbers, "--request", bulk.requestBytes()),
            numbers.getOrDefault("--buffers", bulk.bufferBytesMax()),
            numbers.getOrDefault("--window", bulk.windowBytes()),
            number(numbers, "--gap", bulk.mergeGapBytes()));
    String figures = "";
    for (int reads = 1 + number(numbers, "--warm", 0); reads > 0; reads--) {
      figures = new NbdRead().read(NbdUri.parse(args[0]), options, bulk);
    }
    System.out.println(figures);
  }

  private static Map<String, Long> numbers(String... args) {
    Map<String, Long> numbers = new HashMap<>();
    for (int i = 1; i < args.length; i++) {
      int equals = args[i].indexOf('=');
      if (equals < 0) {
        throw new IllegalArgumentException(args[i] + " (expected: --NAME=NUMBER)");
      }
      numbers.put(args[i].substring(0, equals), Long.valueOf(args[i].substring(equals + 1)));
    }
    return numbers;
  }

  private static int number(Map<String, Long> numbers, String name, int otherwise) {
    return Math.toIntExact(numbers.getOrDefault(name, (long) otherwise));
  }

  private String read(NbdUri uri, NbdClientOptions options, BulkOptions bulk)
      throws NbdException, InterruptedException, ExecutionException {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long cpuBefore = system.getProcessCpuTime();
    long before = System.nanoTime();
    try (NbdClient client = NbdClient.open(uri, options)) {
      double open = (System.nanoTime() - before) / 1e9;
      double openCpu = (system.getProcessCpuTime() - cpuBefore) / 1e9;
      ExtentReader.start(client, Selection.allocated(), bulk, new Nowhere()).future().get();
      double wall = (System.nanoTime() - before) / 1e9;
      double cpu = (system.getProcessCpuTime() - cpuBefore) / 1e9;
      return "wall=%.3f cpu=%.3f open=%.3f opencpu=%.3f bytes=%d zeroes=%d direct=%d pooled=%d"
          .formatted(
              wall,
              cpu,
              open,
              openCpu,
              dataBytes.sum(),
              zeroBytes.sum(),
              directBytes(),
              PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory());
    }
  }

  /** All direct memory, the JDK's and Netty's own; nothing of it is freed in such a short time. */
  private static long directBytes() {
    long bytes = Math.max(PlatformDependent.usedDirectMemory(), 0);
    for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      if (pool.getName().equals("direct")) {
        bytes += pool.getMemoryUsed();
      }
    }
    return bytes;
  }

  /** Counts bytes and gives everything back at once. */
  private final class Nowhere implements ExtentSink {
    @Override
    public void data(long offsetBytes, DataLease data) {
      dataBytes.add(data.buffer().remaining());
      data.close();
    }

    @Override
    public void zeroes(long offsetBytes, long lengthBytes, Lease lease) {
      zeroBytes.add(lengthBytes);
      lease.close();
    }
  }
}
