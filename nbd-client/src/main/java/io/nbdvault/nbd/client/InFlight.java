package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdProtocolException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The requests one connection waits for, in numbered slots. A cookie is a slot's number and how
 * often requests were sent, so that a reply that comes twice is noticed although the slot is in use
 * again.
 *
 * <pre>
 *  63                              16 15          0
 *  +---------------------------------+-------------+
 *  |  requests sent before this one  |    slot     |
 *  +---------------------------------+-------------+
 * </pre>
 *
 * Used on one event loop only, but for {@link #freePlaces}.
 */
final class InFlight {
  private static final int SLOT_BITS = 16;
  private static final int SLOT_MASK = (1 << SLOT_BITS) - 1;

  private final @Nullable Request[] slots;
  private final int[] freeSlots;
  private long sent;
  private long readBytes;
  // Written by the event loop only, read by everybody.
  private volatile int free;

  InFlight(int requestsMax) {
    slots = new Request[requestsMax];
    freeSlots = new int[requestsMax];
    for (int i = 0; i < requestsMax; i++) {
      freeSlots[i] = requestsMax - 1 - i;
    }
    free = requestsMax;
  }

  /** May be called on any thread. */
  int freePlaces() {
    return free;
  }

  boolean isEmpty() {
    return free == slots.length;
  }

  int count() {
    return slots.length - free;
  }

  /** How many bytes of payload a reply may be expected to bring. */
  long readBytesPerRequest() {
    int used = slots.length - free;
    return used == 0 ? 0 : readBytes / used;
  }

  /** Gives the request a slot and a cookie; there must be a free place. */
  void add(Request request) {
    int left = free - 1;
    int slot = freeSlots[left];
    slots[slot] = request;
    readBytes += request.readBytes();
    request.cookie = sent << SLOT_BITS | slot;
    sent++;
    free = left;
  }

  /** The request that a reply is for. */
  Request find(long cookie) throws NbdProtocolException {
    int slot = (int) (cookie & SLOT_MASK);
    Request request = slot < slots.length ? slots[slot] : null;
    if (request == null || request.cookie != cookie || request.replyComplete) {
      throw new NbdProtocolException("reply: unknown cookie 0x" + Long.toHexString(cookie));
    }
    return request;
  }

  void remove(Request request) {
    int slot = (int) (request.cookie & SLOT_MASK);
    slots[slot] = null;
    readBytes -= request.readBytes();
    int left = free;
    freeSlots[left] = slot;
    free = left + 1;
  }

  /** A request whose deadline is past, or null. */
  @Nullable Request firstPast(long nowNanos) {
    for (Request request : slots) {
      if (request != null && nowNanos - request.deadlineNanos > 0) {
        return request;
      }
    }
    return null;
  }

  List<Request> removeAll() {
    List<Request> removed = new ArrayList<>();
    for (Request request : slots) {
      if (request != null) {
        removed.add(request);
      }
    }
    removed.forEach(this::remove);
    return removed;
  }
}
