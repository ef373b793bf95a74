/** Takes out of a QEMU what a killed run left in it. */
@NullMarked
package io.nbdvault.engine.cleanup;

import org.jspecify.annotations.NullMarked;
