package io.nbdvault.nbd.client;

import io.nbdvault.nbd.fuzz.Allocation;
import io.nbdvault.nbd.fuzz.FuzzInput;
import io.netty.buffer.ByteBuf;
import java.util.List;

/**
 * Whatever a server sends in the transmission phase: the decoder, the router and the requests of a
 * connection without its socket. {@code | choices of a ReplyScenario | how it is cut (1) | stream
 * |}.
 */
public final class ReplyTarget {
  private ReplyTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    FuzzInput input = new FuzzInput(bytes);
    ReplyScenario scenario = ReplyScenario.choose(input);
    int cut = input.choice();
    List<String> whole =
        Allocation.bounded(bytes.length, () -> run(scenario, false, input.whole()));
    same(whole, run(scenario, false, input.singleBytes()), "byte by byte");
    same(whole, run(scenario, false, input.pieces(cut)), "cut with seed " + cut);
    same(whole, run(scenario, true, input.pieces(cut)), "received directly");
  }

  private static List<String> run(ReplyScenario scenario, boolean direct, List<ByteBuf> pieces) {
    return new ReplyRun(scenario, direct).feedAll(pieces);
  }

  private static void same(List<String> whole, List<String> other, String how) {
    if (!whole.equals(other)) {
      throw new AssertionError("in one piece " + whole + ", but " + how + " " + other);
    }
  }
}
