package io.nbdvault.chunkstore;

/**
 * Something damaged that is neither a chunk nor a node: a file, a row of the catalog, a counter.
 *
 * @param what what it is, with its name
 * @param reason what is wrong with it
 */
public record DamagedItem(String what, String reason) {}
