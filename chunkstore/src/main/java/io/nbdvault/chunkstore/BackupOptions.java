package io.nbdvault.chunkstore;

/**
 * How a backup stores what is new.
 *
 * @param compression of new chunks
 * @param verifyWrites whether every new record is opened again and compared with what it was made
 *     of, before it is stored: that catches a machine whose memory or processor errs while it is
 *     not too late
 */
public record BackupOptions(Compression compression, boolean verifyWrites) {}
