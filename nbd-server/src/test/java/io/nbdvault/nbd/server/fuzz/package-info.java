/** Coverage-guided fuzzing of what reads a client's bytes; {@code bin/fuzz} runs it for longer. */
@NullMarked
package io.nbdvault.nbd.server.fuzz;

import org.jspecify.annotations.NullMarked;
