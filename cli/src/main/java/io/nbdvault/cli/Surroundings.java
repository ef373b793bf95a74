package io.nbdvault.cli;

import io.nbdvault.cli.nbd.StandardStreams;
import io.nbdvault.engine.Cancellation;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.Map;

/**
 * What a command gets from the process that it runs in; tests bring their own.
 *
 * @param out for results
 * @param err for errors, warnings and progress
 * @param stderrIsOurs whether {@code err} is the process's stderr, and so perhaps a terminal
 * @param environment the environment variables
 * @param zone the time zone in which times are shown
 * @param cancellation set when the user or the system asks to stop
 */
record Surroundings(
    PrintStream out,
    PrintStream err,
    boolean stderrIsOurs,
    Map<String, String> environment,
    ZoneId zone,
    Cancellation cancellation) {
  private static final int OUT_BUFFER_BYTES = 8 << 10;

  Surroundings {
    environment = Map.copyOf(environment);
  }

  /**
   * Those of this process. Both streams are UTF-8 whatever the locale: JSON has to be, and names
   * must not change between an interactive shell and cron. Nor must the home directory, which a
   * service manager may leave out of the environment.
   */
  static Surroundings ofProcess(Cancellation cancellation) {
    Map<String, String> environment = new HashMap<>(System.getenv());
    environment.putIfAbsent(LastSeen.HOME_VARIABLE, System.getProperty("user.home"));
    return new Surroundings(
        stream(FileDescriptor.out),
        stream(FileDescriptor.err),
        true,
        environment,
        ZoneId.systemDefault(),
        cancellation);
  }

  /** The process's stdin and stdout for bytes, which {@code out} would buffer and never fail on. */
  StandardStreams streams() {
    return new StandardStreams(
        () -> new FileInputStream(FileDescriptor.in).getChannel(),
        () ->
            stderrIsOurs ? new FileOutputStream(FileDescriptor.out).getChannel() : channelOfOut());
  }

  private WritableByteChannel channelOfOut() {
    return Channels.newChannel(out);
  }

  /** Flushes both streams. A reader that has gone is not an error of ours. */
  void flush() {
    out.flush();
    err.flush();
  }

  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(
        new BufferedOutputStream(new FileOutputStream(descriptor), OUT_BUFFER_BYTES),
        false,
        StandardCharsets.UTF_8);
  }
}
