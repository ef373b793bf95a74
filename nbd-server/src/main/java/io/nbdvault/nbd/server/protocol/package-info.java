/**
 * A server's side of the NBD wire format: what clients send, decoded however it is cut, and what
 * they are sent. Knows no socket and no export; internal to this module.
 */
@NullMarked
package io.nbdvault.nbd.server.protocol;

import org.jspecify.annotations.NullMarked;
