/** A session with the QEMU guest agent, in which every read has a deadline. */
@NullMarked
package io.nbdvault.qmp.agent;

import org.jspecify.annotations.NullMarked;
