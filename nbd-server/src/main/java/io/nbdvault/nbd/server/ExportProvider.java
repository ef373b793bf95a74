package io.nbdvault.nbd.server;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Has what a server serves. Take care when adding to this interface: whatever a client sends before
 * it has entered an export reaches it.
 *
 * <p>All methods may block and may be called by several threads at once; the server calls them on
 * its workers, never on an event loop. Names come as the client sent them: valid UTF-8 of at most
 * 4,096 bytes, and nothing else is promised of them.
 */
public interface ExportProvider {
  /**
   * Shows the exports' names, for {@code NBD_OPT_LIST}, in an order that people can read.
   *
   * @throws IOException if they cannot be found out; what the visitor threw
   */
  void list(NameVisitor visitor) throws IOException;

  /** Says what an export is, without opening it; empty if there is none of that name. */
  Optional<ExportInfo> find(String name) throws IOException;

  /**
   * The metadata contexts of an export that a query of {@code NBD_OPT_LIST_META_CONTEXT} or {@code
   * NBD_OPT_SET_META_CONTEXT} selects (proto.md, "Metadata contexts"): the whole name of one, or a
   * namespace with its colon, which selects all in it where they are listed and none where they are
   * set.
   *
   * @param query empty to be shown all of them
   * @param isListing whether they are to be listed only
   * @return whole names, at most {@link ServerLimits#contextsMax} of them; empty if the query
   *     selects none, or there is no such export
   */
  List<String> contexts(String name, String query, boolean isListing) throws IOException;

  /**
   * Opens an export for one connection. Only called once a client enters it.
   *
   * @throws NoSuchExportException if there is none of that name
   */
  Export open(String name) throws IOException;

  /** Is shown names. */
  interface NameVisitor {
    /**
     * Is shown one export.
     *
     * @param description a text for people; may be empty
     * @return whether to go on
     */
    boolean export(String name, String description) throws IOException;
  }
}
