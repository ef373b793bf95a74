/**
 * The byte layout of everything that is stored: pure encoders and decoders. {@code docs/FORMATS.md}
 * draws the same layouts; all numbers are big-endian and unsigned unless said otherwise.
 */
@NullMarked
package io.nbdvault.chunkstore.format;

import org.jspecify.annotations.NullMarked;
