/**
 * A QMP session over a Unix domain socket: commands matched to their replies by id, events in
 * order, and errors that say what is on the other end of the socket.
 */
@NullMarked
package io.nbdvault.qmp;

import org.jspecify.annotations.NullMarked;
