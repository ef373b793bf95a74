/** QEMU's block-layer commands as typed calls: records in, records out, no policy. */
@NullMarked
package io.nbdvault.qmp.block;

import org.jspecify.annotations.NullMarked;
