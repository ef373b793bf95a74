/** This client and the reference tools, side by side against servers that others wrote. */
@NullMarked
package io.nbdvault.nbd.interop;

import org.jspecify.annotations.NullMarked;
