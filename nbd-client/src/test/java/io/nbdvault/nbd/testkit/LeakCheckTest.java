package io.nbdvault.nbd.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.testkit.engine.EventConditions.container;
import static org.junit.platform.testkit.engine.EventConditions.event;
import static org.junit.platform.testkit.engine.EventConditions.finishedWithFailure;
import static org.junit.platform.testkit.engine.TestExecutionResultConditions.instanceOf;
import static org.junit.platform.testkit.engine.TestExecutionResultConditions.message;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import org.junit.jupiter.api.Test;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Events;

final class LeakCheckTest {
  /** Not found by the build, because inner classes are not; run by the tests below only. */
  static final class Leaky {
    @Test
    void losesABuffer() {
      PooledByteBufAllocator.DEFAULT.directBuffer(16).writeLong(1).touch("lost by Leaky");
    }
  }

  static final class Tidy {
    @Test
    void releasesItsBuffer() {
      assertThat(PooledByteBufAllocator.DEFAULT.directBuffer(16).release()).isTrue();
    }
  }

  @Test
  void classThatLeaksFailsWithoutHavingAskedForTheCheck() {
    Events containers = run(Leaky.class);
    containers
        .assertThatEvents()
        .haveExactly(
            1,
            event(
                container(Leaky.class),
                finishedWithFailure(
                    instanceOf(AssertionError.class),
                    message(text -> text.contains("1 buffers leaked")),
                    message(text -> text.contains("lost by Leaky")),
                    message(text -> text.contains("losesABuffer")))));
  }

  @Test
  void classThatReleasesPasses() {
    assertThat(run(Tidy.class).failed().count()).isZero();
  }

  @Test
  void everyKindOfTrackedBufferIsWatched() throws Exception {
    BufferLeaks.check();
    lose(PooledByteBufAllocator.DEFAULT.heapBuffer(1), "pooled heap");
    lose(UnpooledByteBufAllocator.DEFAULT.directBuffer(1), "unpooled direct");
    lose(PooledByteBufAllocator.DEFAULT.compositeBuffer(), "composite");
    lose(ByteBufAllocator.DEFAULT.ioBuffer(1), "the default allocator's");
    assertThatThrownBy(BufferLeaks::check)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("4 buffers leaked")
        .hasMessageContaining("pooled heap")
        .hasMessageContaining("unpooled direct")
        .hasMessageContaining("composite")
        .hasMessageContaining("the default allocator's");
    BufferLeaks.check();
  }

  private static void lose(ByteBuf buffer, String hint) {
    buffer.touch(hint);
  }

  private static Events run(Class<?> testClass) {
    return EngineTestKit.engine("junit-jupiter")
        .enableImplicitConfigurationParameters(true)
        .selectors(selectClass(testClass))
        .execute()
        .containerEvents();
  }
}
