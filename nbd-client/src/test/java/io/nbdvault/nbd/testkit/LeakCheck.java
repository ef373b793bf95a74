package io.nbdvault.nbd.testkit;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails every test class during which a buffer leaked. JUnit finds it by {@code META-INF/services}
 * wherever this test jar is on the class path, so that no class has to ask for it.
 */
public final class LeakCheck implements BeforeAllCallback, AfterAllCallback {
  @Override
  public void beforeAll(ExtensionContext context) {
    BufferLeaks.watch();
  }

  @Override
  public void afterAll(ExtensionContext context) throws Exception {
    boolean nested = context.getRequiredTestClass().getEnclosingClass() != null;
    // What an inner class shares with its outer one may live until that ends.
    if (!nested || isTopOfRun(context)) {
      BufferLeaks.check();
    }
  }

  private static boolean isTopOfRun(ExtensionContext context) {
    return context.getParent().map(parent -> parent.getTestClass().isEmpty()).orElse(true);
  }
}
