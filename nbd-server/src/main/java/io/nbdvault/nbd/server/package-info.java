/**
 * Serves block devices over NBD: the protocol and its limits here, the devices behind {@link
 * io.nbdvault.nbd.server.ExportProvider}. Start at {@link io.nbdvault.nbd.server.ExportProvider}.
 */
@NullMarked
package io.nbdvault.nbd.server;

import org.jspecify.annotations.NullMarked;
