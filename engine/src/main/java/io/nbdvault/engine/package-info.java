/** What every job shares: its limits, its events, its errors and how it is cancelled. */
@NullMarked
package io.nbdvault.engine;

import org.jspecify.annotations.NullMarked;
