package io.nbdvault.qmp.block;

/**
 * {@code StatusInfo} (since 0.14).
 *
 * @param status {@code RunState}: {@code running}, {@code paused}, {@code prelaunch}, {@code
 *     io-error}, …
 * @param running whether the virtual CPUs run
 */
public record VmStatus(String status, boolean running) {
  public VmStatus {
    Checks.notEmpty("status", status);
  }
}
