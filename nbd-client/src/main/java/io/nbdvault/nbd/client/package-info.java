/**
 * A pipelined NBD client over unix domain sockets and TCP. Start at {@link
 * io.nbdvault.nbd.client.NbdClient}.
 */
@NullMarked
package io.nbdvault.nbd.client;

import org.jspecify.annotations.NullMarked;
