/**
 * The Merkle trees that say which chunks a disk consists of: building one from what changed, and
 * walking one, against an interface that reads and stores nodes.
 */
@NullMarked
package io.nbdvault.chunkstore.tree;

import org.jspecify.annotations.NullMarked;
