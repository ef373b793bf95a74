/** Exports in memory and a client that says whatever a test has it say. */
@NullMarked
package io.nbdvault.nbd.server.testkit;

import org.jspecify.annotations.NullMarked;
