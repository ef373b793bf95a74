package io.nbdvault.nbd.client;

/** How to write (proto.md, "Command flags"). */
public enum WriteFlag {
  /** "Force unit access": durable before the future completes. Needs {@code canFua}. */
  FUA,
  /** For zeroes: keep the range allocated. */
  NO_HOLE,
  /** For zeroes: fail with ENOTSUP rather than be slow. Needs {@code canFastZero}. */
  FAST_ZERO
}
