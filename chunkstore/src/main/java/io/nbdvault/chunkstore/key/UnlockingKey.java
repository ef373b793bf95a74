package io.nbdvault.chunkstore.key;

/** What opens a slot of a repository's keys. */
public sealed interface UnlockingKey permits Passphrase, KeyFile, PrivateKey {}
