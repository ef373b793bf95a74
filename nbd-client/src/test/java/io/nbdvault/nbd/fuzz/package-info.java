/**
 * Coverage-guided fuzzing of everything that reads what a server or a person wrote: the targets,
 * the bounded run of the build, and the corpus kept in {@code src/test/resources/fuzz}.
 */
@NullMarked
package io.nbdvault.nbd.fuzz;

import org.jspecify.annotations.NullMarked;
