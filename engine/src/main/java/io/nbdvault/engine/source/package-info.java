/** What a backup reads from: disks of one instant, behind one interface. */
@NullMarked
package io.nbdvault.engine.source;

import org.jspecify.annotations.NullMarked;
