package io.nbdvault.chunkstore;

/** Hears how a verification goes on. Called by the thread that verifies. */
@FunctionalInterface
public interface VerifyListener {
  /**
   * Is told how far it is, several times a second.
   *
   * @return false to end it; its report then says that it is not complete
   */
  boolean proceed(VerifyProgress progress);
}
