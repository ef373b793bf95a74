/** A repository, a QEMU and a model of its disks, for tests of whole jobs. */
@NullMarked
package io.nbdvault.engine.testkit;

import org.jspecify.annotations.NullMarked;
