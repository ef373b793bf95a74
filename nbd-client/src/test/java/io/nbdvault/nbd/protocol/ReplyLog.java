package io.nbdvault.nbd.protocol;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Writes down what a decoder says; pieces of data are put together. */
final class ReplyLog implements ReplyListener {
  private final int simplePayloadBytes;
  private final List<String> events = new ArrayList<>();
  private final StringBuilder data = new StringBuilder();

  ReplyLog(int simplePayloadBytes) {
    this.simplePayloadBytes = simplePayloadBytes;
  }

  List<String> events() {
    return events;
  }

  @Override
  public int simpleReply(long cookie, int error) {
    events.add("simple " + cookie + " " + error);
    return error == 0 ? simplePayloadBytes : 0;
  }

  @Override
  public void chunk(long cookie, int type, boolean done) {
    events.add("chunk " + cookie + " " + type + " " + done);
  }

  @Override
  public void requestOffset(long offsetBytes) {
    events.add("request at " + offsetBytes);
  }

  @Override
  public void dataBegins(long offsetBytes, int lengthBytes) {
    events.add("data at " + offsetBytes + " of " + lengthBytes);
  }

  @Override
  public void data(ByteBuf in, int lengthBytes) {
    data.append(in.readCharSequence(lengthBytes, StandardCharsets.US_ASCII));
  }

  @Override
  public void hole(long offsetBytes, long lengthBytes) {
    events.add("hole at " + offsetBytes + " of " + lengthBytes);
  }

  @Override
  public void blockStatus(int contextId, int extentCount) {
    events.add("status " + contextId + " " + extentCount);
  }

  @Override
  public void extent(long lengthBytes, long flags) {
    events.add("extent " + lengthBytes + " " + flags);
  }

  @Override
  public void errorOffset(long offsetBytes) {
    events.add("error at " + offsetBytes);
  }

  @Override
  public void error(int error, String message) {
    events.add("error " + error + " " + message);
  }

  @Override
  public void end() {
    if (data.length() > 0) {
      events.add(data.toString());
      data.setLength(0);
    }
    events.add("end");
  }
}
