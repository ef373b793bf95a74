package io.nbdvault.chunkstore.crypto;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.Seeds;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.junit.jupiter.api.Test;

class HkdfTest {
  @Test
  void derivesWhatBouncyCastleDoes() {
    Random random = Seeds.random("HKDF");
    for (int i = 0; i < 100; i++) {
      byte[] salt = bytes(random, 1 + random.nextInt(100));
      byte[] material = bytes(random, random.nextInt(200));
      String info = "info " + random.nextInt();
      byte[] ascii = info.getBytes(StandardCharsets.US_ASCII);
      assertThat(Hkdf.derive(salt, material, info))
          .isEqualTo(generate(new HKDFParameters(material, salt, ascii)));
    }
  }

  @Test
  void expandsWhatBouncyCastleDoes() {
    Random random = Seeds.random("HKDF-Expand");
    byte[] key = bytes(random, 32);
    byte[] info = bytes(random, 37);
    assertThat(Hkdf.expand(Hkdf.hmac(key), info))
        .isEqualTo(generate(HKDFParameters.skipExtractParameters(key, info)));
  }

  private static byte[] generate(HKDFParameters parameters) {
    HKDFBytesGenerator generator = new HKDFBytesGenerator(new SHA256Digest());
    generator.init(parameters);
    byte[] key = new byte[32];
    generator.generateBytes(key, 0, key.length);
    return key;
  }

  private static byte[] bytes(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }
}
