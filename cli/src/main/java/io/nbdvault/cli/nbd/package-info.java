/**
 * What {@code nbdvault nbd} does with NBD servers: tells of exports, shows their maps, copies them.
 * Nothing here knows repositories; the commands themselves are one package up.
 */
@NullMarked
package io.nbdvault.cli.nbd;

import org.jspecify.annotations.NullMarked;
