/**
 * Coverage-guided fuzzing of everything that reads what is stored: the targets, the bounded run of
 * the build, and the corpus kept in {@code src/test/resources/fuzz}.
 */
@NullMarked
package io.nbdvault.chunkstore.fuzz;

import org.jspecify.annotations.NullMarked;
