/** Which snapshots are kept, and the jobs that forget, bring back and protect them. */
@NullMarked
package io.nbdvault.engine.retention;

import org.jspecify.annotations.NullMarked;
