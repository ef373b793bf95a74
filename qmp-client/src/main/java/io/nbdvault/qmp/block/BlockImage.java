package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.QmpException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code ImageInfo} (since 1.3): one image of a backing chain.
 *
 * @param filename as QEMU shows it: a path, or {@code json:{...}} where a path does not say it all
 * @param format block driver
 * @param virtualSizeBytes what the guest sees
 * @param actualSizeBytes what the file takes on its filesystem, or -1 where unknown
 * @param clusterSizeBytes or 0 for a format without clusters
 * @param backingFilename as the image's header names it, or null
 * @param backingFormat as the image's header names it, or null
 * @param formatSpecific {@code data} of {@code format-specific}, or null; not to be changed
 */
public record BlockImage(
    String filename,
    String format,
    long virtualSizeBytes,
    long actualSizeBytes,
    long clusterSizeBytes,
    @Nullable String backingFilename,
    @Nullable String backingFormat,
    @Nullable JsonNode formatSpecific) {
  /** QEMU can open longer chains; a graph that seems to be one is not followed for ever. */
  private static final int CHAIN_IMAGES_MAX = 4096;

  public BlockImage {
    Checks.notEmpty("format", format);
    Checks.notNegative("virtualSizeBytes", virtualSizeBytes);
    Checks.notNegative("clusterSizeBytes", clusterSizeBytes);
  }

  /** Parses an image and the images that back it, the topmost first. */
  static List<BlockImage> parseChain(JsonNode top) throws QmpException {
    List<BlockImage> chain = new ArrayList<>();
    JsonNode json = top;
    while (json.isObject() && chain.size() < CHAIN_IMAGES_MAX) {
      chain.add(Fields.checked(json, BlockImage::parse));
      json = json.path("backing-image");
    }
    return List.copyOf(chain);
  }

  private static BlockImage parse(JsonNode json) throws QmpException {
    JsonNode specific = json.path("format-specific").path("data");
    return new BlockImage(
        Fields.text(json, "filename"),
        Fields.text(json, "format"),
        Fields.number(json, "virtual-size"),
        json.path("actual-size").asLong(-1),
        json.path("cluster-size").asLong(0),
        Fields.textOrNull(json, "backing-filename"),
        Fields.textOrNull(json, "backing-filename-format"),
        specific.isMissingNode() ? null : specific);
  }
}
