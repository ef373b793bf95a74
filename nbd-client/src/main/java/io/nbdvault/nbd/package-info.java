/** NBD: the wire format and a client. */
@NullMarked
package io.nbdvault.nbd;

import org.jspecify.annotations.NullMarked;
