/**
 * The NBD wire format: constants, encoders, and decoders that are state machines without a socket.
 * The client and the server share it; it depends on Netty's buffers and on nothing else.
 */
@NullMarked
package io.nbdvault.nbd.protocol;

import org.jspecify.annotations.NullMarked;
