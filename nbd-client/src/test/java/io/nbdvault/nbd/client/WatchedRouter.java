package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.ReplyListener;
import io.netty.buffer.ByteBuf;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Passes everything on to the real router, and what it accepts to the request's model. */
final class WatchedRouter implements ReplyListener {
  private final ReplyRouter router;
  private final Map<Long, ReplyModel> models;
  private @Nullable ReplyModel model;

  WatchedRouter(ReplyRouter router, Map<Long, ReplyModel> models) {
    this.router = router;
    this.models = models;
  }

  private ReplyModel model() {
    if (model == null) {
      throw new AssertionError("the router accepts a cookie that nobody waits for");
    }
    return model;
  }

  @Override
  public int simpleReply(long cookie, int error) throws NbdProtocolException {
    int length = router.simpleReply(cookie, error);
    model = models.get(cookie);
    if (error != 0) {
      model().failed();
    } else if (length > 0) {
      model().simpleData(length);
    }
    return length;
  }

  @Override
  public void chunk(long cookie, int type, boolean done) throws NbdProtocolException {
    router.chunk(cookie, type, done);
    model = models.get(cookie);
  }

  @Override
  public void requestOffset(long offsetBytes) throws NbdProtocolException {
    router.requestOffset(offsetBytes);
    model().requestOffset(offsetBytes);
  }

  @Override
  public void dataBegins(long offsetBytes, int lengthBytes) throws NbdProtocolException {
    router.dataBegins(offsetBytes, lengthBytes);
    model().dataBegins(offsetBytes, lengthBytes);
  }

  @Override
  public void data(ByteBuf in, int lengthBytes) throws NbdProtocolException {
    model().data(in, lengthBytes);
    router.data(in, lengthBytes);
  }

  @Override
  public void hole(long offsetBytes, long lengthBytes) throws NbdProtocolException {
    router.hole(offsetBytes, lengthBytes);
    model().hole(offsetBytes, lengthBytes);
  }

  @Override
  public void blockStatus(int contextId, int extentCount) throws NbdProtocolException {
    router.blockStatus(contextId, extentCount);
    model().blockStatus(contextId);
  }

  @Override
  public void extent(long lengthBytes, long flags) throws NbdProtocolException {
    router.extent(lengthBytes, flags);
    model().extent(lengthBytes);
  }

  @Override
  public void errorOffset(long offsetBytes) throws NbdProtocolException {
    router.errorOffset(offsetBytes);
  }

  @Override
  public void error(int error, String message) throws NbdProtocolException {
    router.error(error, message);
    model().failed();
  }

  @Override
  public void end() throws NbdProtocolException {
    router.end();
    model = null;
  }
}
