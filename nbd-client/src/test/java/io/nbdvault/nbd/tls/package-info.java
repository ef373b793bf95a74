/** Tests of TLS against real servers, without the rest of the client. */
@NullMarked
package io.nbdvault.nbd.tls;

import org.jspecify.annotations.NullMarked;
