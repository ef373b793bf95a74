package io.nbdvault.chunkstore.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ContentTest {
  @Test
  void givesEveryNodeTheChildrenItWasMadeOf() {
    int leaf = Content.leaf(0, 2);
    int otherLeaf = Content.leaf(1, 1);
    int root = Content.root(leaf, otherLeaf);
    assertThat(Content.name(root)).isEqualTo("ac/bb");
    assertThat(Content.child(root, 0)).isEqualTo(leaf);
    assertThat(Content.child(root, 1)).isEqualTo(otherLeaf);
    assertThat(Content.child(leaf, 0)).isZero();
    assertThat(Content.child(leaf, 1)).isEqualTo(2);
  }

  @Test
  void hasAnIdOfItsOwnForEveryContent() {
    Set<String> names = new HashSet<>();
    for (int id = 0; id < Content.IDS; id++) {
      assertThat(names.add(Content.name(id))).isTrue();
    }
  }
}
