package io.nbdvault.chunkstore.rocksdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.StoredChunk.Outcome;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.crypto.ContentCipher;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.format.ContentId;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.SnapshotSeal;
import io.nbdvault.chunkstore.tree.Awaiting;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two that meet the same new content; the first is the test itself. */
@Timeout(60)
class IntakeTest {
  private static final long FLAGGED_ORDINAL = 1_000_000;
  private static final byte[] PLAIN = "content".repeat(100).getBytes(UTF_8);
  private static final IndexKey KEY =
      new IndexKey(RecordType.CHUNK, ContentId.of(PLAIN, 0, PLAIN.length));

  private static final long EPOCH = 2;
  private static final StoredChunk STORED = new StoredChunk(KEY.id(), Outcome.NEW, 9);

  @TempDir private Path temporary;

  @Test
  void storesItselfWhatTheFirstGaveUp() throws Exception {
    assertThat(Awaiting.result(secondAfter(Claim.Decision.ABANDONED, claim -> {})))
        .satisfies(stored -> assertThat(stored.outcome()).isEqualTo(Outcome.NEW));
  }

  @Test
  void isADuplicateOnceTheFirstIsStored() throws Exception {
    StoredChunk duplicate = new StoredChunk(KEY.id(), Outcome.DUPLICATE, 0);
    assertThat(Awaiting.result(secondAfter(Claim.Decision.PRESENT, claim -> {})))
        .isEqualTo(duplicate);
    assertThat(
            Awaiting.result(secondAfter(Claim.Decision.SUBMITTED, claim -> claim.complete(STORED))))
        .isEqualTo(duplicate);
  }

  @Test
  void failsWithTheFirstWhenTheWriterDoes() throws Exception {
    StoreException failure = new StoreFailedException("the disk is on fire", null);
    CompletableFuture<StoredChunk> second =
        secondAfter(Claim.Decision.SUBMITTED, claim -> claim.fail(failure));
    assertThatThrownBy(() -> Awaiting.result(second)).isSameAs(failure);
  }

  @Test
  void tellsEveryoneWhenTheWriterFailsAndTakesNoMore() throws Exception {
    Path dir = create("failing");
    StoreWriter writer;
    // A database that is closed stands for whatever may go wrong in the writer.
    try (Database database = Database.open("test", dir.resolve("db"), DatabaseAccess.READ_WRITE)) {
      writer = writer(dir, database, new Claims());
    }
    writer.start();
    WriteTask.Content content = WriteTask.Content.isNew(new Claim(KEY, EPOCH), 1, new byte[100]);
    writer.submit(content);
    assertThatThrownBy(() -> Awaiting.result(content.claim().stored()))
        .isInstanceOf(StoreFailedException.class);
    assertThatThrownBy(() -> writer.submit(content)).isInstanceOf(StoreFailedException.class);
    writer.stop();
  }

  @Test
  void healsUnderANewOrdinalAndNeverLowersTheRowsEpoch() throws Exception {
    IndexRow row = heal(EPOCH + 7, EPOCH);
    assertThat(row.damaged()).isFalse();
    assertThat(row.ordinal()).isNotEqualTo(FLAGGED_ORDINAL);
    assertThat(row.epoch()).isEqualTo(EPOCH + 7);
  }

  @Test
  void healsInTheEpochInWhichTheRowIsWrittenThoughTheSessionIsOlder() throws Exception {
    assertThat(heal(EPOCH - 1, EPOCH + 3).epoch()).isEqualTo(EPOCH + 3);
  }

  /** The row of content that was flagged in an epoch, once it was put in another. */
  private IndexRow heal(long flaggedEpoch, long presentEpoch) throws Exception {
    Path dir = create("healing");
    try (Database database = Database.open("test", dir.resolve("db"), DatabaseAccess.READ_WRITE)) {
      StoreWriter writer = writer(dir, database, new Claims());
      writer.beginEpoch(presentEpoch);
      writer.start();
      IndexRow flagged = new IndexRow(FLAGGED_ORDINAL, PLAIN.length, flaggedEpoch, 100, true);
      try (RowBatch batch = database.newBatch()) {
        batch.put(Family.INDEX, KEY.encode(), flagged.encode());
        database.write(batch);
      }
      StoredChunk healed = Awaiting.result(put(intake(database, writer, new Claims())));
      assertThat(healed.outcome()).isEqualTo(Outcome.NEW);
      writer.stop();
      return IndexRow.decode(requireNonNull(database.get(Family.INDEX, KEY.encode())));
    }
  }

  @FunctionalInterface
  private interface WhatTheFirstDoes {
    void accept(Claim first);
  }

  private CompletableFuture<StoredChunk> secondAfter(Claim.Decision decision, WhatTheFirstDoes then)
      throws Exception {
    Path dir = create(decision.name());
    try (Database database = Database.open("test", dir.resolve("db"), DatabaseAccess.READ_WRITE)) {
      Claims claims = new Claims();
      StoreWriter writer = writer(dir, database, claims);
      writer.start();
      Intake intake = intake(database, writer, claims);
      Claim first = new Claim(KEY, EPOCH);
      assertThat(claims.claim(first)).isNull();
      CompletableFuture<StoredChunk> second =
          CompletableFuture.completedFuture(intake).thenComposeAsync(IntakeTest::put);
      TimeUnit.MILLISECONDS.sleep(50);
      assertThat(second).as("waits for the first").isNotDone();
      claims.end(first);
      first.decide(decision);
      then.accept(first);
      assertThat(second.handle((stored, failure) -> true).get(10, TimeUnit.SECONDS)).isTrue();
      writer.stop();
      return second;
    }
  }

  private static CompletableFuture<StoredChunk> put(Intake intake) {
    return intake.put(KEY, PLAIN, 0, PLAIN.length, ChunkCodec.of(Codec.LZ4), false, EPOCH);
  }

  private static StoreWriter writer(Path dir, Database database, Claims claims)
      throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    HeadFile head = new HeadFile(directory, directory.readConfig().repositoryId());
    Commits commits = Commits.begin(database, head);
    try (RowBatch batch = database.newBatch()) {
      OrdinalLease ordinals = OrdinalLease.begin(database, commits, batch);
      commits.commit(batch);
      Catalog catalog = new Catalog(database, SnapshotSeal.NONE);
      return new StoreWriter(database, catalog, claims, commits, ordinals, DamagedRows.unknown());
    }
  }

  private static Intake intake(Database database, StoreWriter writer, Claims claims) {
    ContentCipher cipher = new PlainContent();
    ContentReader reader = new ContentReader(database, cipher, 16 << 10);
    return new Intake(reader, cipher, writer, claims, 16 << 10);
  }

  private Path create(String name) throws StoreException {
    Path dir = temporary.resolve(name + System.nanoTime());
    Repositories.create(dir, new RepositoryOptions(16 << 10, Compression.LZ4));
    return dir;
  }
}
