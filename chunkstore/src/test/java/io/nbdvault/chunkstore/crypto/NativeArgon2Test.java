package io.nbdvault.chunkstore.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class NativeArgon2Test {
  @Test
  void isNotAvailableWhereTheLibraryOrJnaCannotBeLoaded() {
    assertThat(NativeArgon2.isLoaded(() -> {})).isTrue();
    assertThat(NativeArgon2.isLoaded(() -> fail(new UnsatisfiedLinkError("none")))).isFalse();
    // JNA throws just that, where the system's part of it has another version.
    assertThat(NativeArgon2.isLoaded(() -> fail(new Error("incompatible")))).isFalse();
  }

  @Test
  void doesNotHideThatTheMachineIsShortOfMemory() {
    assertThatThrownBy(() -> NativeArgon2.isLoaded(() -> fail(new OutOfMemoryError())))
        .isInstanceOf(OutOfMemoryError.class);
  }

  private static void fail(Error error) {
    throw error;
  }
}
