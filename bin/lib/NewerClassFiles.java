import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/**
 * Copies a jar, with class files of Java 5 and older as those of Java 8: with the stack maps that
 * the JVM needs to keep a class in an archive (docs/decisions/0001-fast-start.md). Run by
 * bin/lib/archive.sh, as {@code java NewerClassFiles.java OLD NEW}, with Java 25 or newer.
 */
final class NewerClassFiles {
  /** The first version whose classes may be archived has 50. */
  private static final int OLD_MAX = 49;

  private static final int MAJOR_VERSION_OFFSET = 7;

  private NewerClassFiles() {}

  public static void main(String[] args) throws IOException {
    Path old = Path.of(args[0]);
    try (JarFile in = new JarFile(old.toFile());
        URLClassLoader classes = new URLClassLoader(new URL[] {old.toUri().toURL()});
        JarOutputStream out = new JarOutputStream(Files.newOutputStream(Path.of(args[1])))) {
      ClassFile maker =
          ClassFile.of(
              ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
              ClassFile.ClassHierarchyResolverOption.of(
                  ClassHierarchyResolver.ofResourceParsing(classes)));
      for (Enumeration<JarEntry> entries = in.entries(); entries.hasMoreElements(); ) {
        JarEntry entry = entries.nextElement();
        out.putNextEntry(new JarEntry(entry.getName()));
        try (InputStream content = in.getInputStream(entry)) {
          byte[] bytes = content.readAllBytes();
          boolean isOld =
              entry.getName().endsWith(".class") && bytes[MAJOR_VERSION_OFFSET] <= OLD_MAX;
          out.write(isOld ? newer(maker, bytes) : bytes);
        }
      }
    }
  }

  private static byte[] newer(ClassFile maker, byte[] bytes) {
    ClassModel model = maker.parse(bytes);
    return maker.build(
        model.thisClass().asSymbol(),
        builder -> {
          builder.withVersion(ClassFile.JAVA_8_VERSION, 0);
          for (ClassElement element : model) {
            if (element instanceof MethodModel method) {
              // Code that is only copied would keep the stack maps that it has: none.
              builder.transformMethod(
                  method, MethodTransform.transformingCode((code, next) -> code.with(next)));
            } else if (!(element instanceof ClassFileVersion)) {
              builder.with(element);
            }
          }
        });
  }
}
