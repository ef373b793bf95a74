package io.nbdvault.nbd.server;

import java.util.concurrent.Executor;

/**
 * What the connections of one server share.
 *
 * @param workers calls exports and the provider
 * @param totalBytes of all of them
 */
record Serving(ServerOptions options, Executor workers, TotalBytes totalBytes) {}
