package io.nbdvault.qmp.agent;

/** {@code GuestFsfreezeStatus} (qga schema, since 0.15). */
public enum FreezeStatus {
  /** All filesystems take writes. */
  THAWED,
  /** Every filesystem that can be frozen is frozen. */
  FROZEN
}
