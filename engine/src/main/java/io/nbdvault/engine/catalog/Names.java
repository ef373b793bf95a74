package io.nbdvault.engine.catalog;

import io.nbdvault.engine.JobException;
import java.util.regex.Pattern;

/** The rules for names, so that a name can never be taken for something else on a command line. */
public final class Names {
  private static final int LENGTH_MAX = 200;
  private static final Pattern HEX = Pattern.compile("[0-9a-fA-F]{4,}");
  private static final Pattern CONTROL = Pattern.compile(".*[\\p{Cntrl}].*", Pattern.DOTALL);

  private Names() {}

  /** Checks a VM's name: no {@code @}, {@code /} or control characters, not a snapshot's id. */
  public static String checkVm(String name) throws JobException {
    checkText("VM name", name);
    if (name.contains("@") || name.contains("/")) {
      throw JobException.badRequest("VM name '" + name + "' must not contain '@' or '/'");
    }
    if (HEX.matcher(name).matches()) {
      throw JobException.badRequest(
          "VM name '" + name + "' looks like a snapshot's id: it needs a letter past f");
    }
    return name;
  }

  /** Checks a disk's name: no {@code @}, {@code /}, {@code ..} or control characters. */
  public static String checkDisk(String name) throws JobException {
    checkText("disk name", name);
    if (name.contains("@") || name.contains("/") || name.contains("..") || name.equals(".")) {
      throw JobException.badRequest("disk name '" + name + "' must not contain '@', '/' or '..'");
    }
    return name;
  }

  private static void checkText(String what, String name) throws JobException {
    if (name.isBlank() || name.length() > LENGTH_MAX) {
      throw JobException.badRequest(
          what
              + " '"
              + name
              + "' has "
              + name.length()
              + " characters (expected: 1 to "
              + LENGTH_MAX
              + ")");
    }
    if (CONTROL.matcher(name).matches()) {
      throw JobException.badRequest(what + " must not contain control characters");
    }
  }
}
