/** Tests. */
@NullMarked
package io.nbdvault.chunkstore.tree;

import org.jspecify.annotations.NullMarked;
