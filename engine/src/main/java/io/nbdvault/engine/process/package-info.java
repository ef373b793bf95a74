/**
 * Programs of QEMU that a job starts and ends: {@code qemu-img}, {@code qemu-nbd}, {@code
 * qemu-storage-daemon}.
 */
@NullMarked
package io.nbdvault.engine.process;

import org.jspecify.annotations.NullMarked;
