/** The restore job and the targets it writes to. */
@NullMarked
package io.nbdvault.engine.restore;

import org.jspecify.annotations.NullMarked;
