/** From NBD reads to stored chunks, within a byte budget. */
@NullMarked
package io.nbdvault.engine.pipeline;

import org.jspecify.annotations.NullMarked;
