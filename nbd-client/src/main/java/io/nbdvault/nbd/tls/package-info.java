/**
 * Secures a channel on which NBD's STARTTLS was acknowledged (NBD project, proto.md, "TLS
 * support"): certificates through the JDK's TLS, pre-shared keys, which the JDK has not, through
 * Bouncy Castle's. Only this package knows either.
 */
@NullMarked
package io.nbdvault.nbd.tls;

import org.jspecify.annotations.NullMarked;
