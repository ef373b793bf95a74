/**
 * Real QEMU processes for tests: a virtual machine with two monitors, a storage daemon, and {@code
 * qemu-img}.
 */
@NullMarked
package io.nbdvault.qmp.testkit;

import org.jspecify.annotations.NullMarked;
