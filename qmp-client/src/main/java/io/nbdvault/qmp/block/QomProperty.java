package io.nbdvault.qmp.block;

/**
 * {@code ObjectPropertyInfo} (since 1.2).
 *
 * @param name property name
 * @param type {@code child<TYPE>} for an object below, {@code link<TYPE>} for a reference, or a
 *     value's type
 */
public record QomProperty(String name, String type) {
  public QomProperty {
    Checks.notEmpty("name", name);
  }
}
