package io.nbdvault.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.rocksdb.RocksRepository;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The rules of the modules. Each is also turned round, so that a rule that has become empty, or
 * that nothing could break, fails.
 */
class ArchitectureTest {
  private static final List<String> MODULES =
      List.of(
          "io.nbdvault.nbd",
          "io.nbdvault.qmp",
          "io.nbdvault.chunkstore",
          "io.nbdvault.engine",
          "io.nbdvault.cli");
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          // The test kits of other modules come in jars where Maven gets as far as packaging.
          .withImportOption(location -> !location.contains("-tests.jar"))
          .importPackages("io.nbdvault");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "io.nbdvault.nbd",
        "io.nbdvault.qmp",
        "io.nbdvault.chunkstore",
        "io.nbdvault.engine",
        "io.nbdvault.cli"
      })
  void theRulesSeeEveryModule(String module) {
    assertThat(CLASSES.that(in(module))).isNotEmpty();
  }

  @Test
  void onlyTheProtocolsUseNetty() {
    onlyIn(
        "io.netty..",
        "io.nbdvault.nbd", // NbdUri asks it what an IPv6 address is
        "io.nbdvault.nbd.client..",
        "io.nbdvault.nbd.protocol..",
        "io.nbdvault.nbd.server..",
        "io.nbdvault.nbd.tls..",
        "io.nbdvault.qmp..");
  }

  @Test
  void onlyTheTlsAndCryptoPackagesUseBouncyCastle() {
    onlyIn("org.bouncycastle..", "io.nbdvault.nbd.tls..", "io.nbdvault.chunkstore.crypto..");
  }

  @Test
  void onlyTheCryptoPackageUsesJna() {
    onlyIn("com.sun.jna..", "io.nbdvault.chunkstore.crypto..");
  }

  @Test
  void onlyTheRocksDbPackageUsesRocksDb() {
    onlyIn("org.rocksdb..", "io.nbdvault.chunkstore.rocksdb..");
  }

  @Test
  void onlyTheCommandLineUsesPicocli() {
    onlyIn("picocli..", "io.nbdvault.cli..");
  }

  @ParameterizedTest
  @ValueSource(strings = {"io.nbdvault.nbd", "io.nbdvault.qmp", "io.nbdvault.chunkstore"})
  void aLeafKnowsNoOtherModule(String leaf) {
    knowsNothingOf(leaf, MODULES.stream().filter(module -> !module.equals(leaf)).toList());
  }

  @Test
  void theEngineDoesNotKnowTheCommandLine() {
    knowsNothingOf("io.nbdvault.engine", List.of("io.nbdvault.cli"));
  }

  @Test
  void theCommandLineDoesNotReachBehindTheEngine() {
    knowsNothingOf("io.nbdvault.cli", List.of("io.nbdvault.qmp", "io.nbdvault.chunkstore.rocksdb"));
  }

  @Test
  void onlyTheNbdCommandsUseTheNbdClientThemselves() {
    ArchRule rule =
        noClasses()
            .that()
            .resideInAnyPackage("io.nbdvault.cli", "io.nbdvault.cli.render..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                "io.nbdvault.nbd.client..", "io.nbdvault.nbd.bulk..", "io.nbdvault.nbd.protocol..")
            .allowEmptyShould(false);
    rule.check(CLASSES);
    ArchRule unused =
        noClasses()
            .that(in("io.nbdvault.cli.nbd"))
            .should()
            .dependOnClassesThat(in("io.nbdvault.nbd.client"))
            .allowEmptyShould(false);
    assertThatThrownBy(() -> unused.check(CLASSES)).isInstanceOf(AssertionError.class);
  }

  @Test
  void theNbdCommandsKnowNoRepositoryAndNoVm() {
    noClasses()
        .that(in("io.nbdvault.cli.nbd"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.nbdvault.chunkstore..",
            "io.nbdvault.engine.source..",
            "io.nbdvault.engine.backup..")
        .allowEmptyShould(false)
        .check(CLASSES);
  }

  @Test
  void theNbdServerTakesTheWireFormatFromTheClientAndNothingElse() {
    knowsNothingOf(
        "io.nbdvault.nbd.server", List.of("io.nbdvault.nbd.client", "io.nbdvault.nbd.bulk"));
    assertThat(CLASSES.that(in("io.nbdvault.nbd.server")))
        .anyMatch(type -> uses(type, "io.nbdvault.nbd.protocol"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "io.nbdvault.nbd.client",
        "io.nbdvault.nbd.bulk",
        "io.nbdvault.nbd.protocol",
        "io.nbdvault.nbd.tls",
        "io.nbdvault.cli"
      })
  void theNbdServerIsNotKnownTo(String root) {
    knowsNothingOf(root, List.of("io.nbdvault.nbd.server"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "io.nbdvault.nbd",
        "io.nbdvault.qmp",
        "io.nbdvault.chunkstore",
        "io.nbdvault.engine",
        "io.nbdvault.cli"
      })
  void thePackagesOfAModuleHaveNoCycles(String module) {
    slices()
        .assignedFrom(new PackagesOf(module))
        .should()
        .beFreeOfCycles()
        // The factory is the one place of its package that knows what it makes.
        .ignoreDependency(Repositories.class, RocksRepository.class)
        .allowEmptyShould(false)
        .check(CLASSES);
  }

  /** Each package is a slice, the module's root package too. */
  private record PackagesOf(String module) implements SliceAssignment {
    @Override
    public SliceIdentifier getIdentifierOf(JavaClass javaClass) {
      String name = javaClass.getPackageName();
      return name.equals(module) || name.startsWith(module + ".")
          ? SliceIdentifier.of(name)
          : SliceIdentifier.ignore();
    }

    @Override
    public String getDescription() {
      return "packages of " + module;
    }
  }

  @Test
  void aRuleThatIsBrokenFails() {
    ArchRule broken =
        noClasses().that(in("io.nbdvault.cli")).should().dependOnClassesThat(in("picocli"));
    ArchRule empty =
        noClasses()
            .that(in("io.nbdvault.absent"))
            .should()
            .dependOnClassesThat(in("picocli"))
            .allowEmptyShould(false);

    assertThatThrownBy(() -> broken.check(CLASSES)).isInstanceOf(AssertionError.class);
    assertThatThrownBy(() -> empty.check(CLASSES)).isInstanceOf(AssertionError.class);
  }

  /** {@code library} is used, and in these packages only. */
  private static void onlyIn(String library, String... packages) {
    noClasses()
        .that()
        .resideOutsideOfPackages(packages)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library)
        .allowEmptyShould(false)
        .check(CLASSES);
    for (String one : packages) {
      ArchRule unused =
          noClasses()
              .that()
              .resideInAPackage(one)
              .should()
              .dependOnClassesThat()
              .resideInAPackage(library)
              .allowEmptyShould(false);
      assertThatThrownBy(() -> unused.check(CLASSES))
          .as(one + " uses " + library)
          .isInstanceOf(AssertionError.class);
    }
  }

  private static void knowsNothingOf(String module, List<String> others) {
    for (String other : others) {
      assertThat(CLASSES.that(in(other))).as(other).isNotEmpty();
      noClasses()
          .that(in(module))
          .should()
          .dependOnClassesThat(in(other))
          .allowEmptyShould(false)
          .check(CLASSES);
    }
  }

  private static boolean uses(JavaClass type, String root) {
    return type.getDirectDependenciesFromSelf().stream()
        .anyMatch(dependency -> in(root).test(dependency.getTargetClass()));
  }

  private static DescribedPredicate<JavaClass> in(String root) {
    return JavaClass.Predicates.resideInAPackage(root + "..");
  }
}
