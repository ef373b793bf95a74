/**
 * A small model of the store that can be run millions of steps a second, one at a time, in an order
 * drawn from a seed: it proves which guards reclamation needs, and that it needs each of them.
 */
@NullMarked
package io.nbdvault.chunkstore.model;

import org.jspecify.annotations.NullMarked;
