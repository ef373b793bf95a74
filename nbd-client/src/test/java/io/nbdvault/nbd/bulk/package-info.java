/** Bulk reads against little servers whose every byte is known, and against real ones. */
@NullMarked
package io.nbdvault.nbd.bulk;

import org.jspecify.annotations.NullMarked;
