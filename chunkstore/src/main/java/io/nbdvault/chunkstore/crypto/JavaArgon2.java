package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.format.SlotParameters.Argon2id;
import io.nbdvault.chunkstore.key.Passphrase;
import java.util.HexFormat;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;

/** Bouncy Castle's: on every machine, one lane after the other, with the memory in the heap. */
final class JavaArgon2 implements Argon2 {
  @Override
  public byte[] stretch(Argon2id parameters, Passphrase passphrase) {
    Argon2BytesGenerator generator = new Argon2BytesGenerator();
    generator.init(
        new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
            .withVersion(Argon2Parameters.ARGON2_VERSION_13)
            .withIterations(parameters.passes())
            .withMemoryAsKB(parameters.memoryKib())
            .withParallelism(parameters.lanes())
            .withSalt(HexFormat.of().parseHex(parameters.salt()))
            .build());
    byte[] key = new byte[KEY_BYTES];
    generator.generateBytes(passphrase.bytes(), key);
    return key;
  }
}
