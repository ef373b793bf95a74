/** Makes what {@code bench/compare} has a guest write between two backups. */
@NullMarked
package io.nbdvault.bench.compare;

import org.jspecify.annotations.NullMarked;
