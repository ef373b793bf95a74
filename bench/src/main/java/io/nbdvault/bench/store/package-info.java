/** What the chunk store costs by its size and over its life, measured through its interface. */
@NullMarked
package io.nbdvault.bench.store;

import org.jspecify.annotations.NullMarked;
