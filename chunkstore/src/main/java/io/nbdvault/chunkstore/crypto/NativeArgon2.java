package io.nbdvault.chunkstore.crypto;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.NativeLong;
import io.nbdvault.chunkstore.format.SlotParameters.Argon2id;
import io.nbdvault.chunkstore.key.Passphrase;
import java.util.Arrays;
import java.util.HexFormat;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The reference implementation, of the distribution's package libargon2-1: the lanes on threads of
 * their own, the memory outside of the heap, and nothing to be compiled first
 * (docs/decisions/0015-native-argon2.md).
 */
final class NativeArgon2 implements Argon2 {
  private static final Logger LOG = LoggerFactory.getLogger(NativeArgon2.class);

  private static final boolean IS_AVAILABLE = isLoaded();

  /** Whether this machine has the library. */
  static boolean isAvailable() {
    return IS_AVAILABLE;
  }

  @Override
  public byte[] stretch(Argon2id parameters, Passphrase passphrase) {
    byte[] password = passphrase.bytes();
    byte[] key = new byte[KEY_BYTES];
    int error;
    try {
      error = hash(parameters, password, key);
    } finally {
      Arrays.fill(password, (byte) 0);
    }
    if (error == 0) {
      return key;
    }
    // It had no memory or no threads; the other one needs less of both.
    LOG.warn("argon2=native error={} used=java", error);
    return new JavaArgon2().stretch(parameters, passphrase);
  }

  private static int hash(Argon2id parameters, byte[] password, byte[] key) {
    byte[] salt = HexFormat.of().parseHex(parameters.salt());
    return Library.argon2id_hash_raw(
        parameters.passes(),
        parameters.memoryKib(),
        parameters.lanes(),
        password,
        new NativeLong(password.length),
        salt,
        new NativeLong(salt.length),
        key,
        new NativeLong(key.length));
  }

  private static boolean isLoaded() {
    return isLoaded(Library::load);
  }

  /** Whether loading a library ends well. */
  static boolean isLoaded(Runnable load) {
    try {
      load.run();
      return true;
    } catch (VirtualMachineError e) {
      throw e;
    } catch (Error e) {
      // A LinkageError of this library, or of JNA's own, which it may not be able to unpack; or of
      // no kind, where JNA finds one of its own of another version.
      LOG.debug("argon2=java reason=\"{}\"", e.getMessage());
      return false;
    }
  }

  /** {@code argon2.h}, whose names it has. */
  private static final class Library {
    static void load() {
      Native.register(Library.class, NativeLibrary.getInstance("libargon2.so.1"));
    }

    /** Returns 0, or a negative error. The lengths are of type {@code size_t}. */
    static native int argon2id_hash_raw(
        int passes,
        int memoryKib,
        int lanes,
        byte[] password,
        NativeLong passwordBytes,
        byte[] salt,
        NativeLong saltBytes,
        byte[] key,
        NativeLong keyBytes);
  }
}
