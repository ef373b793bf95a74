/**
 * Files that take what is written to a disk of a snapshot. Start at {@link
 * io.nbdvault.engine.serve.overlay.Overlay}.
 */
@NullMarked
package io.nbdvault.engine.serve.overlay;

import org.jspecify.annotations.NullMarked;
