package io.nbdvault.chunkstore;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The store cannot do what was asked. The message is a sentence for people. */
public abstract sealed class StoreException extends IOException
    permits DamagedException,
        NoRepositoryException,
        NoSuchSnapshotException,
        OpenFilesException,
        ProtectedSnapshotException,
        RepositoryInUseException,
        StoreFailedException,
        StoreFullException,
        UnsupportedFormatException,
        WrongPasswordException {
  private static final long serialVersionUID = 1;

  StoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
