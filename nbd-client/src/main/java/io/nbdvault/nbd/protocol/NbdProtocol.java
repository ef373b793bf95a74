package io.nbdvault.nbd.protocol;

/**
 * Every number of the protocol, named as in the NBD project's proto.md ("Values"), and the limits
 * this implementation puts on what a peer may send. All integers on the wire are big-endian.
 */
public final class NbdProtocol {
  // Handshake ("Fixed newstyle negotiation").

  /** "NBDMAGIC", the first eight bytes of every server. */
  public static final long NBDMAGIC = 0x4e42444d41474943L;

  /** "IHAVEOPT", which marks newstyle and every option request. */
  public static final long IHAVEOPT = 0x49484156454F5054L;

  /** What an oldstyle server sends instead of IHAVEOPT; such servers are refused. */
  public static final long OLDSTYLE_MAGIC = 0x00420281861253L;

  /** Starts every option reply. */
  public static final long OPTION_REPLY_MAGIC = 0x0003e889045565a9L;

  /** Handshake flag: the server speaks fixed newstyle. */
  public static final int FLAG_FIXED_NEWSTYLE = 1;

  /** Handshake flag: the 124 zeroes after EXPORT_NAME may be left out. */
  public static final int FLAG_NO_ZEROES = 1 << 1;

  /** Zeroes a server sends after EXPORT_NAME unless NO_ZEROES was agreed on. */
  public static final int EXPORT_NAME_ZEROES_BYTES = 124;

  // Options.
  public static final int OPT_EXPORT_NAME = 1;
  public static final int OPT_ABORT = 2;
  public static final int OPT_LIST = 3;
  public static final int OPT_STARTTLS = 5;
  public static final int OPT_INFO = 6;
  public static final int OPT_GO = 7;
  public static final int OPT_STRUCTURED_REPLY = 8;
  public static final int OPT_LIST_META_CONTEXT = 9;
  public static final int OPT_SET_META_CONTEXT = 10;
  public static final int OPT_EXTENDED_HEADERS = 11;

  // Option replies. Errors have the highest bit set.
  public static final int REP_ACK = 1;
  public static final int REP_SERVER = 2;
  public static final int REP_INFO = 3;
  public static final int REP_META_CONTEXT = 4;
  public static final int REP_FLAG_ERROR = 1 << 31;
  public static final int REP_ERR_UNSUP = REP_FLAG_ERROR | 1;
  public static final int REP_ERR_POLICY = REP_FLAG_ERROR | 2;
  public static final int REP_ERR_INVALID = REP_FLAG_ERROR | 3;
  public static final int REP_ERR_PLATFORM = REP_FLAG_ERROR | 4;
  public static final int REP_ERR_TLS_REQD = REP_FLAG_ERROR | 5;
  public static final int REP_ERR_UNKNOWN = REP_FLAG_ERROR | 6;
  public static final int REP_ERR_SHUTDOWN = REP_FLAG_ERROR | 7;
  public static final int REP_ERR_BLOCK_SIZE_REQD = REP_FLAG_ERROR | 8;
  public static final int REP_ERR_TOO_BIG = REP_FLAG_ERROR | 9;
  public static final int REP_ERR_EXT_HEADER_REQD = REP_FLAG_ERROR | 10;

  // Information types of INFO and GO.
  public static final int INFO_EXPORT = 0;
  public static final int INFO_NAME = 1;
  public static final int INFO_DESCRIPTION = 2;
  public static final int INFO_BLOCK_SIZE = 3;

  // Transmission flags.
  public static final int FLAG_HAS_FLAGS = 1;
  public static final int FLAG_READ_ONLY = 1 << 1;
  public static final int FLAG_SEND_FLUSH = 1 << 2;
  public static final int FLAG_SEND_FUA = 1 << 3;
  public static final int FLAG_ROTATIONAL = 1 << 4;
  public static final int FLAG_SEND_TRIM = 1 << 5;
  public static final int FLAG_SEND_WRITE_ZEROES = 1 << 6;
  public static final int FLAG_SEND_DF = 1 << 7;
  public static final int FLAG_CAN_MULTI_CONN = 1 << 8;
  public static final int FLAG_SEND_RESIZE = 1 << 9;
  public static final int FLAG_SEND_CACHE = 1 << 10;
  public static final int FLAG_SEND_FAST_ZERO = 1 << 11;
  public static final int FLAG_BLOCK_STATUS_PAYLOAD = 1 << 12;

  // Transmission ("Transmission").

  /** Starts every compact request. */
  public static final int REQUEST_MAGIC = 0x25609513;

  /** Starts every request once extended headers were negotiated. */
  public static final int EXTENDED_REQUEST_MAGIC = 0x21e41c71;

  /** Starts a simple reply. */
  public static final int SIMPLE_REPLY_MAGIC = 0x67446698;

  /** Starts a structured reply chunk. */
  public static final int STRUCTURED_REPLY_MAGIC = 0x668e33ef;

  /** Starts an extended reply chunk. */
  public static final int EXTENDED_REPLY_MAGIC = 0x6e8a278c;

  // Command flags.
  public static final int CMD_FLAG_FUA = 1;
  public static final int CMD_FLAG_NO_HOLE = 1 << 1;
  public static final int CMD_FLAG_DF = 1 << 2;
  public static final int CMD_FLAG_REQ_ONE = 1 << 3;
  public static final int CMD_FLAG_FAST_ZERO = 1 << 4;
  public static final int CMD_FLAG_PAYLOAD_LEN = 1 << 5;

  // Structured reply chunks. Error types have the highest bit of 16 set.
  public static final int REPLY_FLAG_DONE = 1;
  public static final int REPLY_TYPE_NONE = 0;
  public static final int REPLY_TYPE_OFFSET_DATA = 1;
  public static final int REPLY_TYPE_OFFSET_HOLE = 2;
  public static final int REPLY_TYPE_BLOCK_STATUS = 5;
  public static final int REPLY_TYPE_BLOCK_STATUS_EXT = 6;
  public static final int REPLY_TYPE_FLAG_ERROR = 1 << 15;
  public static final int REPLY_TYPE_ERROR = REPLY_TYPE_FLAG_ERROR | 1;
  public static final int REPLY_TYPE_ERROR_OFFSET = REPLY_TYPE_FLAG_ERROR | 2;

  // Limits. Those of the protocol first, then ours.

  /** The longest string the protocol allows, in bytes of UTF-8. */
  public static final int STRING_BYTES_MAX = 4096;

  /** The largest payload a peer that was told nothing else may be sent ("Block sizes"). */
  public static final int PAYLOAD_BYTES_MAX = 32 << 20;

  /** The largest minimum block size the protocol allows. */
  public static final int MINIMUM_BLOCK_BYTES_MAX = 64 << 10;

  /** The preferred block size where none was announced. */
  public static final int PREFERRED_BLOCK_BYTES_DEFAULT = 4096;

  /** Extents in one block status chunk. */
  public static final int EXTENTS_PER_CHUNK_MAX = 1 << 20;

  /** The longest option reply: an INFO or SERVER reply with two full strings needs 8196. */
  public static final int OPTION_REPLY_BYTES_MAX = 16 << 10;

  /** The longest error chunk: number, message, offset. */
  public static final int ERROR_CHUNK_BYTES_MAX = 4 + 2 + STRING_BYTES_MAX + 8;

  private NbdProtocol() {}
}
