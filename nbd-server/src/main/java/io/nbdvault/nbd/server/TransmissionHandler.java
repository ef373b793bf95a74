package io.nbdvault.nbd.server;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.server.protocol.ReplyEncoder;
import io.nbdvault.nbd.server.protocol.RequestDecoder;
import io.nbdvault.nbd.server.protocol.RequestHeader;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection in the transmission phase (proto.md, "Transmission").
 *
 * <p>Everything runs on the channel's event loop, which needs no lock; {@link Work} takes requests
 * to the workers and brings their replies back. A request counts, in number and bytes, from its
 * header until its reply has been given to the kernel; while there are too many nothing is read
 * from the client. A request that was refused counts, too: its reply also waits for the client.
 */
final class TransmissionHandler extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(TransmissionHandler.class);

  private final Channel channel;
  private final HeaderStyle style;
  private final RequestRules rules;
  private final RequestDecoder decoder;
  private final Work work;
  private final InFlight inFlight;
  private final StallWatch stallWatch;
  private final Backlog backlog = new Backlog();
  private RequestRules.@Nullable Refusal refusal;
  private @Nullable ServedRequest receiving;
  private int receivingBytes;
  private boolean isFlushNeeded;
  private boolean isProcessScheduled;
  private boolean isLeaving;
  private boolean isServerClosing;
  private boolean isClosed;

  TransmissionHandler(Channel channel, Serving serving, Haggling.Entered entered) {
    this.channel = channel;
    this.style = entered.style();
    ServerLimits limits = serving.options().limits();
    this.rules =
        new RequestRules(entered.export().info(), style, !entered.contexts().isEmpty(), limits);
    this.decoder = new RequestDecoder(style);
    this.inFlight = new InFlight(limits, serving.totalBytes(), channel.eventLoop(), this::process);
    this.stallWatch = new StallWatch(channel, limits.stalledMillisMax());
    this.work = new Work(channel, serving.workers(), entered, this::reply);
  }

  /** Begins with what the client has sent already; takes it over. */
  void begin(Backlog received) {
    backlog.takeAll(received);
    stallWatch.start(reason -> fail(reason));
    if (channel.isActive()) {
      process();
    } else {
      ended();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    backlog.add((ByteBuf) msg);
    process();
  }

  /** Decodes as much as there is and may be in flight. */
  private void process() {
    if (isClosed) {
      return;
    }
    try {
      while (!isLeaving && mayDecode()) {
        ByteBuf in = backlog.head();
        if (in == null) {
          break;
        }
        RequestDecoder.Event event = decoder.decode(in);
        if (event != RequestDecoder.Event.NEED_MORE) {
          stallWatch.waitingForClient(false);
        }
        switch (event) {
          case NEED_MORE -> backlog.dropHead();
          case HEADER -> header(decoder.header());
          case PAYLOAD -> payloadComplete();
        }
      }
    } catch (NbdProtocolException e) {
      fail(String.valueOf(e.getMessage()));
      return;
    }
    if (isFlushNeeded) {
      isFlushNeeded = false;
      channel.flush();
    }
    boolean isReading = !isLeaving && mayDecode();
    stallWatch.waitingForClient(isReading && !decoder.isAtBoundary());
    channel.config().setAutoRead(isReading);
    if (isReading && backlog.head() != null) {
      processSoon(); // The flush has made room.
    }
  }

  private void processSoon() {
    if (!isProcessScheduled) {
      isProcessScheduled = true;
      channel
          .eventLoop()
          .execute(
              () -> {
                isProcessScheduled = false;
                process();
              });
    }
  }

  /** A request that has begun may go on; a new one, or one without its bytes, may have to wait. */
  private boolean mayDecode() {
    return !inFlight.isWaiting() && (!decoder.isInHeader() || inFlight.hasPlace());
  }

  private void header(RequestHeader header) {
    Command command = RequestRules.command(header);
    if (command == Command.DISC && header.payloadBytes() == 0) {
      leave();
      return;
    }
    refusal = rules.refusal(command, header);
    if (refusal == null && isServerClosing) {
      refusal =
          new RequestRules.Refusal(
              NbdErrno.ESHUTDOWN, header.offsetBytes(), "the server is closing");
    }
    if (refusal != null || command == null) {
      inFlight.add();
      if (header.payloadBytes() > 0) {
        decoder.skipPayload();
      } else {
        refuse(header);
      }
      return;
    }
    int bytes = RequestRules.costBytes(command, header);
    inFlight.add();
    inFlight.take(bytes, () -> admitted(command, header, bytes));
  }

  /** There is room for the request; at once, or later. */
  private void admitted(Command command, RequestHeader header, int bytes) {
    if (header.payloadBytes() == 0) {
      work.submit(new ServedRequest(command, header, style, null), bytes);
      return;
    }
    int payloadBytes = (int) header.payloadBytes();
    ByteBuf payload = channel.alloc().directBuffer(payloadBytes, payloadBytes);
    ServedRequest request = new ServedRequest(command, header, style, payload);
    decoder.receivePayload(payload);
    receiving = request;
    receivingBytes = bytes;
  }

  private void payloadComplete() {
    ServedRequest request = receiving;
    receiving = null;
    if (request == null) {
      refuse(decoder.header());
    } else {
      work.submit(request, receivingBytes);
    }
  }

  private void refuse(RequestHeader header) {
    RequestRules.Refusal why = refusal;
    refusal = null;
    if (why == null) {
      throw new IllegalStateException("nothing to refuse");
    }
    ByteBuf out = channel.alloc().ioBuffer();
    new ReplyEncoder(style, header).failure(out, why.errno(), why.offsetBytes(), why.message());
    reply(List.of(out), 0);
    isFlushNeeded = true;
  }

  /** Writes a reply, and counts its request until it is gone; takes ownership. Does not flush. */
  private void reply(List<ByteBuf> buffers, int bytes) {
    if (isClosed) {
      buffers.forEach(ByteBuf::release);
      inFlight.remove(bytes);
      return;
    }
    stallWatch.replyQueued();
    int last = buffers.size() - 1;
    for (int i = 0; i < last; i++) {
      channel.write(buffers.get(i)).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
    }
    channel.write(buffers.get(last)).addListener(written -> replied(written.isSuccess(), bytes));
  }

  private void replied(boolean isSuccess, int bytes) {
    stallWatch.replySent();
    inFlight.remove(bytes);
    if (!isSuccess) {
      close(); // A client that has got part of a reply, or none, is out of step.
    } else if (inFlight.isEmpty() && (isLeaving || isServerClosing)) {
      close();
    } else if (!channel.config().isAutoRead()) {
      processSoon();
    }
  }

  /** The client has said goodbye: what is in flight is answered, and nothing more is read. */
  private void leave() {
    isLeaving = true;
    backlog.drop();
    if (inFlight.isEmpty()) {
      close();
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event == ServerClosing.INSTANCE) {
      isServerClosing = true;
      if (inFlight.isEmpty()) {
        close();
      }
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    fail(cause.toString());
  }

  private void fail(String reason) {
    if (!isLeaving) {
      isLeaving = true;
      LOG.debug("event=connection_dropped channel={} reason=\"{}\"", channel.id(), reason);
    }
    close();
  }

  private void close() {
    channel.close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    ended();
  }

  private void ended() {
    if (isClosed) {
      return;
    }
    isClosed = true;
    stallWatch.stop();
    backlog.drop();
    inFlight.close();
    if (receiving != null) {
      receiving.dropPayload();
      receiving = null;
      inFlight.remove(receivingBytes);
    }
    work.close();
  }
}
