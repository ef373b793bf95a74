/**
 * What {@code nbdvault serve} serves: the disks of snapshots, read-only or with an overlay that
 * takes what is written. Start at {@link io.nbdvault.engine.serve.SnapshotExports}.
 */
@NullMarked
package io.nbdvault.engine.serve;

import org.jspecify.annotations.NullMarked;
