/** Servers for tests, of this module and of others. */
@NullMarked
package io.nbdvault.nbd.testkit;

import org.jspecify.annotations.NullMarked;
