/** The backup job: opens a source, runs the pipeline over its disks, commits one snapshot. */
@NullMarked
package io.nbdvault.engine.backup;

import org.jspecify.annotations.NullMarked;
