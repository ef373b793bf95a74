/** JMH benchmarks; each class answers one question, which its first sentence asks. */
@NullMarked
package io.nbdvault.bench;

import org.jspecify.annotations.NullMarked;
