package io.nbdvault.chunkstore;

/**
 * How far a verification is.
 *
 * @param phase what it is doing
 * @param done how much of the phase is done: nodes, rows, records or disks
 * @param expected how much there is in all, 0 if that is not known yet
 * @param readBytes bytes of records that were read since the verification began
 * @param damaged records found damaged so far; a few may turn out to be whole
 */
public record VerifyProgress(
    VerifyPhase phase, long done, long expected, long readBytes, long damaged) {}
