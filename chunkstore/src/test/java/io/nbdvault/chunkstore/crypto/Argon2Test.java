package io.nbdvault.chunkstore.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.format.SlotParameters.Argon2id;
import io.nbdvault.chunkstore.key.Passphrase;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class Argon2Test {
  private static final String SALT =
      HexFormat.of().formatHex("somesaltsomesalt".getBytes(StandardCharsets.US_ASCII));

  static Stream<Argon2> implementations() {
    return Stream.of(new JavaArgon2(), new NativeArgon2());
  }

  /** The keys are what the program {@code argon2 somesaltsomesalt -id -r} prints. */
  @ParameterizedTest
  @MethodSource("implementations")
  void givesTheKeyThatTheReferenceProgramGives(Argon2 argon2) {
    assumeTrue(!(argon2 instanceof NativeArgon2) || NativeArgon2.isAvailable());
    assertThat(key(argon2, new Argon2id(SALT, 64 << 10, 3, 4), "password"))
        .isEqualTo("81db97a7e67a891784a2599bc879f957cb3512d273984bd97d8a18fc59ff01e2");
    assertThat(key(argon2, new Argon2id(SALT, 32, 1, 1), "correct horse battery staple"))
        .isEqualTo("e62079e1d6b1d1cd8ef0e11a39f2f2035566bd4142f1ee43bd6c4dca50ce5793");
  }

  @Test
  void givesTheSameKeyOnEveryMachine() {
    assumeTrue(NativeArgon2.isAvailable());
    Random random = Seeds.random("Argon2");
    for (int i = 0; i < 50; i++) {
      int lanes = 1 + random.nextInt(Argon2id.LANES_MAX);
      byte[] salt = new byte[16];
      random.nextBytes(salt);
      byte[] password = new byte[1 + random.nextInt(Passphrase.BYTES_MAX)];
      random.nextBytes(password);
      Argon2id parameters =
          new Argon2id(
              HexFormat.of().formatHex(salt),
              8 * lanes + random.nextInt(500),
              1 + random.nextInt(4),
              lanes);
      assertThat(new NativeArgon2().stretch(parameters, Passphrase.ofBytes(password)))
          .as("%s", parameters)
          .isEqualTo(new JavaArgon2().stretch(parameters, Passphrase.ofBytes(password)));
    }
  }

  private static String key(Argon2 argon2, Argon2id parameters, String password) {
    return HexFormat.of()
        .formatHex(argon2.stretch(parameters, Passphrase.of(password.toCharArray())));
  }
}
