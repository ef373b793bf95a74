/** Names of VMs, disks and snapshots as a user types them. */
@NullMarked
package io.nbdvault.engine.catalog;

import org.jspecify.annotations.NullMarked;
