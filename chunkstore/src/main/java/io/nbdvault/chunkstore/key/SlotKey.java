package io.nbdvault.chunkstore.key;

/** What a slot of a repository's keys can be made for. */
public sealed interface SlotKey permits Passphrase, KeyFile, Recipient {}
