package io.nbdvault.qmp;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * One JSON object from the peer.
 *
 * @param json the object
 * @param afterSentinel whether the byte 0xFF came directly before it (guest agent only)
 */
record JsonFrame(JsonNode json, boolean afterSentinel) {}
