package io.nbdvault.engine.cleanup;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What is to be cleaned up.
 *
 * @param qmpSocket of the QEMU
 * @param all whether our checkpoints go too, every repository's: their next backup is a full one
 * @param guestAgent socket of the guest agent, to thaw what a killed run left frozen
 */
public record CleanupRequest(Path qmpSocket, boolean all, Optional<Path> guestAgent) {}
