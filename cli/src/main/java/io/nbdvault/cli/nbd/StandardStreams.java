package io.nbdvault.cli.nbd;

import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.function.Supplier;

/**
 * What {@code -} stands for; opened only when it is named.
 *
 * @param in this process's input
 * @param out its output
 */
public record StandardStreams(
    Supplier<ReadableByteChannel> in, Supplier<WritableByteChannel> out) {}
