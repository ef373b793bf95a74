/**
 * The live backup of a QEMU: one instant of all disks, exported over NBD, and everything put back.
 */
@NullMarked
package io.nbdvault.engine.qemu;

import org.jspecify.annotations.NullMarked;
