/**
 * Reading much: extents are asked for ahead of the data, requests kept in flight within a bound on
 * buffers, and what arrives handed to a sink that pushes back by holding on to it.
 */
@NullMarked
package io.nbdvault.nbd.bulk;

import org.jspecify.annotations.NullMarked;
