package io.nbdvault.engine;

/**
 * In what an existing disk differed from the disk of a snapshot that it was made into. What was
 * left alone, written and zeroed is all of it.
 *
 * @param readBytes read of the existing disk, to be compared
 * @param equalBytes left alone
 * @param writtenBytes written, of the snapshot's content
 * @param zeroedBytes made zeroes
 */
public record DiskDifference(
    long readBytes, long equalBytes, long writtenBytes, long zeroedBytes) {}
