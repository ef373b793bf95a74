package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.ReplyListener;
import io.netty.buffer.ByteBuf;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Takes what the decoder sees to the request it is for, and refuses what was not negotiated. */
final class ReplyRouter implements ReplyListener {
  /** Told that the last piece of a request's reply has come. */
  interface Completion {
    void replyComplete(Request request) throws NbdProtocolException;
  }

  private final InFlight inFlight;
  private final HeaderStyle style;
  private final Map<Integer, String> contextsById;
  private final Set<String> contextNames;
  private final Completion completion;
  private @Nullable Request current;
  private boolean currentDone;

  ReplyRouter(
      InFlight inFlight,
      HeaderStyle style,
      Map<Integer, String> contextsById,
      Completion completion) {
    this.inFlight = inFlight;
    this.style = style;
    this.contextsById = contextsById;
    this.contextNames = Set.copyOf(contextsById.values());
    this.completion = completion;
  }

  /** The negotiated metadata contexts. */
  Set<String> contextNames() {
    return contextNames;
  }

  /** Where the rest of the current data could be received to directly, or null. */
  @Nullable ByteBuf receiveInto(int lengthBytes) {
    return current().receiveInto(lengthBytes);
  }

  @Override
  public int simpleReply(long cookie, int error) throws NbdProtocolException {
    Request request = inFlight.find(cookie);
    boolean read = request.command() == Command.READ;
    if (read && style != HeaderStyle.SIMPLE) {
      throw new NbdProtocolException(request + ": simple reply (expected: a structured one)");
    }
    current = request;
    currentDone = true;
    if (error != 0) {
      request.error(error, "");
      return 0;
    }
    if (!read) {
      return 0;
    }
    int length = (int) request.lengthBytes();
    request.dataBegins(request.offsetBytes(), length);
    return length;
  }

  @Override
  public void chunk(long cookie, int type, boolean done) throws NbdProtocolException {
    Request request = inFlight.find(cookie);
    if (type == NbdProtocol.REPLY_TYPE_NONE && !done) {
      throw new NbdProtocolException(request + ": chunk of type NONE without DONE");
    }
    current = request;
    currentDone = done;
  }

  @Override
  public void requestOffset(long offsetBytes) throws NbdProtocolException {
    current().requestOffset(offsetBytes);
  }

  @Override
  public void dataBegins(long offsetBytes, int lengthBytes) throws NbdProtocolException {
    current().dataBegins(offsetBytes, lengthBytes);
  }

  @Override
  public void data(ByteBuf in, int lengthBytes) throws NbdProtocolException {
    current().data(in, lengthBytes);
  }

  @Override
  public void hole(long offsetBytes, long lengthBytes) throws NbdProtocolException {
    current().hole(offsetBytes, lengthBytes);
  }

  @Override
  public void blockStatus(int contextId, int extentCount) throws NbdProtocolException {
    String name = contextsById.get(contextId);
    if (name == null) {
      throw new NbdProtocolException(current() + ": unknown metadata context id " + contextId);
    }
    current().blockStatus(name, extentCount);
  }

  @Override
  public void extent(long lengthBytes, long flags) throws NbdProtocolException {
    current().extent(lengthBytes, flags);
  }

  @Override
  public void errorOffset(long offsetBytes) throws NbdProtocolException {
    current().errorOffset(offsetBytes);
  }

  @Override
  public void error(int error, String message) throws NbdProtocolException {
    current().error(error, message);
  }

  @Override
  public void end() throws NbdProtocolException {
    Request request = current();
    current = null;
    if (currentDone) {
      completion.replyComplete(request);
    }
  }

  private Request current() {
    if (current == null) {
      throw new IllegalStateException("a piece of a reply without its begin");
    }
    return current;
  }
}
