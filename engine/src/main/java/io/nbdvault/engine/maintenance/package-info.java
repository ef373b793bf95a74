/** Jobs that look after a repository: verifying and repairing it. */
@NullMarked
package io.nbdvault.engine.maintenance;

import org.jspecify.annotations.NullMarked;
