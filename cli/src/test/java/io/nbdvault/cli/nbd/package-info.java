/** Tests of the NBD commands' parts. */
@NullMarked
package io.nbdvault.cli.nbd;

import org.jspecify.annotations.NullMarked;
