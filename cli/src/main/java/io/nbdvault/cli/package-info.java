/**
 * The command line: each command parses its arguments, runs one job and shows it. Only this module
 * knows exit codes.
 */
@NullMarked
package io.nbdvault.cli;

import org.jspecify.annotations.NullMarked;
