package io.nbdvault.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class PipelineTest {
  private final Cancellation cancellation = new Cancellation();

  @Test
  void noticesTheEndOfTheJobEvenWhereNoPartTakesLong() throws Exception {
    try (Pipeline pipeline = new Pipeline(PipelineFixture.limits(), cancellation)) {
      assertThat(pipeline.await(CompletableFuture.completedFuture("part"), "what"))
          .isEqualTo("part");
      cancellation.cancel();
      assertThatThrownBy(() -> pipeline.await(CompletableFuture.completedFuture("part"), "what"))
          .isInstanceOf(JobException.class)
          .hasMessage("interrupted");
    }
  }

  @Test
  void reportsTheFirstFailureWhateverFailsAfterIt() {
    try (Pipeline pipeline = new Pipeline(PipelineFixture.limits(), cancellation)) {
      pipeline.fail("disk a", new IOException("medium error"));
      pipeline.fail("disk b", new IOException("connection closed"));
      assertThatThrownBy(() -> pipeline.await(CompletableFuture.completedFuture("part"), "what"))
          .hasMessage("disk a: medium error");
    }
  }
}
