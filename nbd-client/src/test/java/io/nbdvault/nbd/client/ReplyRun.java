package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.ReplyDecoder;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One pass of a stream through decoder, router and requests, watched by {@link ReplyModel}s. */
final class ReplyRun implements ReplyRouter.Completion {
  private static final int REQUEST_BYTES_MAX = 1024;
  private static final int REQUESTS_MAX = 16;

  private final InFlight inFlight = new InFlight(REQUESTS_MAX);
  private final List<AskedOperation> operations = new ArrayList<>();
  private final List<Request> sent = new ArrayList<>();
  private final Map<Long, ReplyModel> models = new LinkedHashMap<>();
  private final List<String> events = new ArrayList<>();
  private final ReplyRouter router;
  private final ReplyDecoder decoder;
  private final boolean direct;
  private boolean broken;

  /**
   * Sends what the scenario asks for.
   *
   * @param direct whether payloads are received straight into the operations' buffers
   */
  ReplyRun(ReplyScenario scenario, boolean direct) {
    this.direct = direct;
    router = new ReplyRouter(inFlight, scenario.style(), scenario.contexts(), this);
    decoder = new ReplyDecoder(scenario.style(), new WatchedRouter(router, models));
    for (ReplyScenario.Ask ask : scenario.asks()) {
      AskedOperation operation =
          AskedOperation.of(ask, scenario.export(), REQUEST_BYTES_MAX, direct);
      operations.add(operation);
      for (Request r = operation.take(); r != null; r = operation.take()) {
        send(r);
      }
    }
  }

  private void send(Request request) {
    inFlight.add(request);
    sent.add(request);
    models.put(request.cookie, new ReplyModel(request));
  }

  /** The requests on the wire so far, in their order. */
  List<Request> sent() {
    return sent;
  }

  /** Whether nothing is in flight any more. */
  boolean over() {
    return broken || inFlight.isEmpty();
  }

  /** Feeds every piece, loses the connection, and tells what happened. */
  List<String> feedAll(List<ByteBuf> pieces) {
    for (ByteBuf piece : pieces) {
      feed(piece);
    }
    return end();
  }

  /** Feeds one piece, as a connection does. */
  void feed(ByteBuf piece) {
    if (broken) {
      return;
    }
    try {
      while (piece.isReadable()) {
        ByteBuf received = receive(piece);
        try {
          decodeAll(received);
        } finally {
          received.release();
        }
      }
    } catch (NbdProtocolException e) {
      events.add("fatal: " + e.getMessage());
      broken = true;
    }
  }

  /**
   * What one receive brings: all there is, or as much of a payload as is there where it belongs.
   */
  private ByteBuf receive(ByteBuf piece) {
    int payload = direct ? decoder.payloadBytesLeft() : 0;
    ByteBuf target = payload > 0 ? router.receiveInto(payload) : null;
    if (target == null) {
      // Up to where the next payload begins, if that is known, as a connection receives.
      int header = direct ? decoder.bytesBeforePayload() : 0;
      int length = Math.min(header > 0 ? header : piece.readableBytes(), piece.readableBytes());
      return piece.readRetainedSlice(payload > 0 ? Math.min(payload, length) : length);
    }
    if (target.writableBytes() != payload) {
      throw new AssertionError("room for " + target.writableBytes() + " of " + payload + " bytes");
    }
    return target.writeBytes(piece, Math.min(payload, piece.readableBytes()));
  }

  private void decodeAll(ByteBuf received) throws NbdProtocolException {
    boolean more = true;
    while (more) {
      more = decoder.decode(received);
    }
    if (received.isReadable()) {
      throw new AssertionError("more wanted, but " + received.readableBytes() + " bytes left");
    }
  }

  /** Loses the connection: every operation must be over by then. */
  List<String> end() {
    events.add("at boundary: " + (broken || decoder.atBoundary()));
    NbdException reason = new NbdDisconnectedException("the stream is over");
    for (Request request : inFlight.removeAll()) {
      request.operation().finished(reason);
    }
    for (AskedOperation operation : operations) {
      events.add(operation.outcome());
    }
    return events;
  }

  /** What a connection does with a complete reply. */
  @Override
  public void replyComplete(Request request) throws NbdProtocolException {
    request.replyComplete = true;
    ReplyModel model = models.remove(request.cookie);
    if (model == null) {
      throw new AssertionError(request + ": completed twice");
    }
    @Nullable NbdException failure = request.finish(router.contextNames());
    model.check(failure);
    if (failure == null) {
      operations.stream()
          .filter(operation -> operation.owns(request))
          .forEach(operation -> operation.expect(request.offsetBytes(), model.content()));
    }
    events.add(request + ": " + (failure == null ? "good" : failure.getMessage()));
    inFlight.remove(request);
    if (failure != null && request.retry()) {
      if ((request.flags() & NbdProtocol.CMD_FLAG_DF) != 0) {
        throw new AssertionError(request + ": sent again under DF");
      }
      request.replyComplete = false;
      send(request);
      return;
    }
    request.operation().finished(failure);
  }
}
