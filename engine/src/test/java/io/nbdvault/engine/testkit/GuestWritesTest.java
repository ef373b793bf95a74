package io.nbdvault.engine.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.testkit.GuestWrites.Kind;
import io.nbdvault.engine.testkit.GuestWrites.Write;
import java.nio.LongBuffer;
import org.junit.jupiter.api.Test;

/** The checker itself: it must know the guest's format, and be able to say no. */
class GuestWritesTest {
  private static final int BLOCKS = 64;
  private static final int WORDS = GuestWrites.BLOCK_BYTES / Long.BYTES;
  private static final GuestWrites WRITES = GuestWrites.data(7, 0, BLOCKS * 4096L);

  @Test
  void plansTheWritesOfTheWorkedExample() {
    GuestWrites zeroes = new GuestWrites(7, 0, BLOCKS * 4096L, true, false);

    assertThat(zeroes.write(1)).isEqualTo(new Write(Kind.DATA, 23, 1));
    assertThat(zeroes.write(2)).isEqualTo(new Write(Kind.DATA, 28, 5));
    assertThat(zeroes.write(11)).isEqualTo(new Write(Kind.DATA, 43, 21));
    assertThat(zeroes.write(12)).isEqualTo(new Write(Kind.DATA, 44, 1));
    assertThat(zeroes.write(14)).isEqualTo(new Write(Kind.ZERO, 48, 1));
    assertThat(WRITES.write(14)).isEqualTo(new Write(Kind.DATA, 48, 1));
  }

  @Test
  void fillsABlockAsTheWorkedExampleDoes() {
    long[] words = new long[WORDS];

    WRITES.fill(words, 1, 23);

    assertThat(words).startsWith(0x315453475644424EL, 1, 23, 7, 0x19C7B20457B23B62L);
    assertThat(words[511]).isEqualTo(0x7D36C0B9C371BE6FL);
  }

  @Test
  void findsHowManyWritesThereAre() {
    for (long k : new long[] {0, 1, 2, 11, 12, 300}) {
      assertThat(WRITES.check(after(WRITES, k))).isEqualTo(k);
    }
  }

  @Test
  void acceptsAPartOfTheNextWrite() {
    LongBuffer region = after(WRITES, 10);
    LongBuffer later = after(WRITES, 11);
    int torn = 43 * WORDS; // Write 11 begins at block 43.
    region.put(torn, later, torn, 5 * WORDS + 64);

    assertThat(WRITES.check(region)).isEqualTo(10);
  }

  @Test
  void refusesASingleOlderBlock() {
    LongBuffer region = after(WRITES, 300);
    LongBuffer older = after(WRITES, 250);
    int changed = 0;
    while (region.get(changed * WORDS + 1) == older.get(changed * WORDS + 1)
        || region.get(changed * WORDS + 1) >= 299) {
      changed++;
    }
    region.put(changed * WORDS, older, changed * WORDS, WORDS);

    assertThatThrownBy(() -> WRITES.check(region))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("block " + changed + " (byte " + changed * 4096);
  }

  @Test
  void refusesASingleWrongWord() {
    LongBuffer region = after(WRITES, 40);
    int word = 23 * WORDS + 200;
    region.put(word, region.get(word) ^ 1);

    assertThatThrownBy(() -> WRITES.check(region)).isInstanceOf(AssertionError.class);
  }

  @Test
  void refusesWhatNobodyWrote() {
    LongBuffer region = after(WRITES, 0);
    region.put(9 * WORDS + 511, 1);

    assertThatThrownBy(() -> WRITES.check(region))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("block 9");
  }

  @Test
  void findsKWhereZeroWritesAndDiscardsLeaveNoNumber() {
    GuestWrites mixed = new GuestWrites(7, 0, BLOCKS * 4096L, true, true);

    for (long k = 1; k < 200; k++) {
      assertThat(mixed.check(after(mixed, k))).isGreaterThanOrEqualTo(k).isLessThan(k + 3);
    }
  }

  /** The region as a device leaves it that carries discards out. */
  private static LongBuffer after(GuestWrites writes, long k) {
    LongBuffer region = LongBuffer.allocate(BLOCKS * WORDS);
    long[] words = new long[WORDS];
    for (long n = 1; n <= k; n++) {
      Write write = writes.write(n);
      for (int block = write.first(); block < write.first() + write.blocks(); block++) {
        writes.fill(words, write.kind() == Kind.DATA ? n : 0, block);
        region.put(block * WORDS, words);
      }
    }
    return region;
  }
}
