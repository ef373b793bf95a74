package io.nbdvault.chunkstore;

/**
 * What a repair has done.
 *
 * @param plan what it did
 * @param recordsPutBack records of chunks and nodes that damaged files still gave
 * @param rowsPutBack other rows that they still gave
 * @param indexRows rows of the index that were made again
 * @param quarantine where what was damaged lies now, relative to the repository; empty if nothing
 *     was
 */
public record RepairReport(
    RepairPlan plan, long recordsPutBack, long rowsPutBack, long indexRows, String quarantine) {}
