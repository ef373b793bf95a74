package io.nbdvault.chunkstore;

import java.util.OptionalLong;

/**
 * A chunk or a node of a tree that is missing, cannot be read, or is not what its id says.
 *
 * @param id its id
 * @param isNode whether it is a node; its damage is that of everything below it
 * @param ordinal where its record lies or lay, if that is known
 * @param reason what is wrong with it
 */
public record DamagedContent(ChunkId id, boolean isNode, OptionalLong ordinal, String reason) {}
