package io.nbdvault.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.engine.JobEvent;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProgressLineTest {
  private static final String ERASE = "\r\u001b[K";

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream terminal = new PrintStream(bytes, false, StandardCharsets.UTF_8);
  private final AtomicLong nanos = new AtomicLong(123_456_789);

  private ProgressLine line(int columns) {
    return new ProgressLine(terminal, columns, nanos::get);
  }

  private void seconds(double seconds) {
    nanos.addAndGet((long) (seconds * 1e9));
  }

  private String written() {
    String text = bytes.toString(StandardCharsets.UTF_8);
    bytes.reset();
    return text;
  }

  @Test
  void showsBytesShareRateTimeLeftAndContent() {
    ProgressLine line = line(80);
    line.draw(new JobEvent.Progress(0, 1000 << 20, 0, 0));
    assertThat(written()).startsWith(ERASE + "  0% [").endsWith("] 0B of 1000M");

    seconds(1);
    line.draw(new JobEvent.Progress(100 << 20, 1000 << 20, 60 << 20, 30 << 20));

    assertThat(written())
        .isEqualTo(
            ERASE
                + " 10% [>                  ] 100M of 1000M  100M/s  0:09 left"
                + "  new 60M  dedup 30M");
  }

  @Test
  void showsThePhaseOfAJobWithARateOfItsOwn() {
    ProgressLine line = line(60);
    line.draw(new JobEvent.PhaseProgress("mark", 0, 1000, false));
    seconds(1);
    line.draw(new JobEvent.PhaseProgress("mark", 100, 1000, false));
    assertThat(written()).endsWith("] 100 of 1000  0:09 left").contains(ERASE + "mark  10% [");

    line.draw(new JobEvent.PhaseProgress("reclaim", 0, 8 << 20, true));
    assertThat(written()).endsWith("] 0B of 8M").contains(ERASE + "reclaim   0% [");
    seconds(1);
    line.draw(new JobEvent.PhaseProgress("reclaim", 4 << 20, 8 << 20, true));
    assertThat(written()).endsWith("] 4M of 8M  0:01 left");
  }

  @ParameterizedTest
  @ValueSource(ints = {20, 30, 40, 50, 60, 70, 80, 100, 200})
  void staysWithinTheTerminal(int columns) {
    ProgressLine line = line(columns);
    line.draw(new JobEvent.Progress(0, 1L << 50, 0, 0));
    seconds(1);
    written();

    line.draw(new JobEvent.Progress(1023L << 20, 1023L << 40, 1023L << 20, 1023L << 20));

    assertThat(written().substring(ERASE.length())).hasSizeLessThan(columns).contains("1023M of");
  }

  @Test
  void keepsThePartsThatMatterMostInANarrowTerminal() {
    ProgressLine line = line(40);
    line.draw(new JobEvent.Progress(0, 1000 << 20, 0, 0));
    seconds(1);
    written();

    line.draw(new JobEvent.Progress(100 << 20, 1000 << 20, 60 << 20, 30 << 20));

    assertThat(written()).isEqualTo(ERASE + " 10% 100M of 1000M  100M/s  0:09 left");
  }

  @Test
  void isFullAtTheEnd() {
    ProgressLine line = line(60);
    line.draw(new JobEvent.Progress(1 << 20, 1 << 20, 0, 0));

    assertThat(written()).contains("100% [==============================] 1M of 1M");
  }

  @Test
  void showsAnEstimateThatWasPassed() {
    line(60).draw(new JobEvent.Progress(3 << 20, 1 << 20, 0, 0));

    assertThat(written()).contains("100%", "3M of 3M");
  }

  @Test
  void showsNothingBeforeThereIsSomethingToDo() {
    line(60).draw(new JobEvent.Progress(0, 0, 0, 0));

    assertThat(written()).isEmpty();
  }

  @Test
  void countsWithoutABarWhatHasNoKnownEnd() {
    ProgressLine line = line(60);
    line.draw(new JobEvent.PhaseProgress("mark", 0, 0, false));
    assertThat(written()).isEqualTo(ERASE + "mark");
    seconds(1);
    line.draw(new JobEvent.PhaseProgress("mark", 40, 0, false));
    assertThat(written()).isEqualTo(ERASE + "mark 40");
  }

  @Test
  void saysNotHowMuchTimeIsLeftOfWhatIsOver() {
    ProgressLine line = line(60);
    line.draw(new JobEvent.PhaseProgress("sweep", 0, 40, false));
    seconds(1);
    line.draw(new JobEvent.PhaseProgress("sweep", 40, 40, false));
    assertThat(written()).endsWith("] 40 of 40");
  }

  @Test
  void smoothsTheRate() {
    ProgressLine line = line(80);
    line.draw(new JobEvent.Progress(0, 1L << 40, 0, 0));
    seconds(1);
    line.draw(new JobEvent.Progress(100L << 20, 1L << 40, 0, 0));
    seconds(1);
    written();

    line.draw(new JobEvent.Progress(100L << 20, 1L << 40, 0, 0));

    assertThat(written()).contains("81.9M/s");
  }

  @Test
  void clearsOnlyWhatItHasDrawn() {
    ProgressLine line = line(80);
    line.clear();
    assertThat(written()).isEmpty();

    line.draw(new JobEvent.Progress(0, 1, 0, 0));
    written();
    line.clear();
    line.clear();

    assertThat(written()).isEqualTo(ERASE);
  }
}
