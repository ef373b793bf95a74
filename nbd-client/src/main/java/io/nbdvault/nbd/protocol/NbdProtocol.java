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

  // Options ("Option types").

  /** Option: enters an export, with no way to refuse but to disconnect. */
  public static final int OPT_EXPORT_NAME = 1;

  /** Option: ends the session. */
  public static final int OPT_ABORT = 2;

  /** Option: asks for the names of all exports. */
  public static final int OPT_LIST = 3;

  /** Option: asks for TLS. */
  public static final int OPT_STARTTLS = 5;

  /** Option: asks what an export is. */
  public static final int OPT_INFO = 6;

  /** Option: enters an export. */
  public static final int OPT_GO = 7;

  /** Option: asks for structured replies. */
  public static final int OPT_STRUCTURED_REPLY = 8;

  /** Option: asks which metadata contexts an export has. */
  public static final int OPT_LIST_META_CONTEXT = 9;

  /** Option: chooses metadata contexts. */
  public static final int OPT_SET_META_CONTEXT = 10;

  /** Option: asks for extended headers. */
  public static final int OPT_EXTENDED_HEADERS = 11;

  // Option replies ("Option reply types"). Errors have the highest bit set.

  /** Option reply: done, and the last one. */
  public static final int REP_ACK = 1;

  /** Option reply: an export's name. */
  public static final int REP_SERVER = 2;

  /** Option reply: information about an export. */
  public static final int REP_INFO = 3;

  /** Option reply: a metadata context's name and id. */
  public static final int REP_META_CONTEXT = 4;

  /** The bit that every error among option replies has. */
  public static final int REP_FLAG_ERROR = 1 << 31;

  /** Option reply: the server does not know the option. */
  public static final int REP_ERR_UNSUP = REP_FLAG_ERROR | 1;

  /** Option reply: the server's policy forbids it. */
  public static final int REP_ERR_POLICY = REP_FLAG_ERROR | 2;

  /** Option reply: the option makes no sense, here or at all. */
  public static final int REP_ERR_INVALID = REP_FLAG_ERROR | 3;

  /** Option reply: the server's platform cannot do it. */
  public static final int REP_ERR_PLATFORM = REP_FLAG_ERROR | 4;

  /** Option reply: not without TLS. */
  public static final int REP_ERR_TLS_REQD = REP_FLAG_ERROR | 5;

  /** Option reply: there is no such export. */
  public static final int REP_ERR_UNKNOWN = REP_FLAG_ERROR | 6;

  /** Option reply: the server is shutting down. */
  public static final int REP_ERR_SHUTDOWN = REP_FLAG_ERROR | 7;

  /** Option reply: not without asking for block sizes. */
  public static final int REP_ERR_BLOCK_SIZE_REQD = REP_FLAG_ERROR | 8;

  /** Option reply: the request or its answer is too long. */
  public static final int REP_ERR_TOO_BIG = REP_FLAG_ERROR | 9;

  /** Option reply: not without extended headers. */
  public static final int REP_ERR_EXT_HEADER_REQD = REP_FLAG_ERROR | 10;

  // Information types of INFO and GO ("NBD_INFO information types").

  /** Information: size and transmission flags. */
  public static final int INFO_EXPORT = 0;

  /** Information: the export's canonical name. */
  public static final int INFO_NAME = 1;

  /** Information: a text for people. */
  public static final int INFO_DESCRIPTION = 2;

  /** Information: the block sizes. */
  public static final int INFO_BLOCK_SIZE = 3;

  // Transmission flags ("Transmission flags").

  /** Transmission flag: there are flags. */
  public static final int FLAG_HAS_FLAGS = 1;

  /** Transmission flag: the export is read-only. */
  public static final int FLAG_READ_ONLY = 1 << 1;

  /** Transmission flag: FLUSH is offered. */
  public static final int FLAG_SEND_FLUSH = 1 << 2;

  /** Transmission flag: the command flag FUA is offered. */
  public static final int FLAG_SEND_FUA = 1 << 3;

  /** Transmission flag: the export behaves like a spinning disk. */
  public static final int FLAG_ROTATIONAL = 1 << 4;

  /** Transmission flag: TRIM is offered. */
  public static final int FLAG_SEND_TRIM = 1 << 5;

  /** Transmission flag: WRITE_ZEROES is offered. */
  public static final int FLAG_SEND_WRITE_ZEROES = 1 << 6;

  /** Transmission flag: the command flag DF is offered. */
  public static final int FLAG_SEND_DF = 1 << 7;

  /** Transmission flag: several connections see one coherent device. */
  public static final int FLAG_CAN_MULTI_CONN = 1 << 8;

  /** Transmission flag: of an extension that nobody uses. */
  public static final int FLAG_SEND_RESIZE = 1 << 9;

  /** Transmission flag: CACHE is offered. */
  public static final int FLAG_SEND_CACHE = 1 << 10;

  /** Transmission flag: the command flag FAST_ZERO is offered. */
  public static final int FLAG_SEND_FAST_ZERO = 1 << 11;

  /** Transmission flag: BLOCK_STATUS may name the contexts it is about. */
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

  // Command flags ("Command flags").

  /** Command flag: durable before the reply. */
  public static final int CMD_FLAG_FUA = 1;

  /** Command flag, WRITE_ZEROES: keep the range allocated. */
  public static final int CMD_FLAG_NO_HOLE = 1 << 1;

  /** Command flag, READ: one chunk, or EOVERFLOW. */
  public static final int CMD_FLAG_DF = 1 << 2;

  /** Command flag, BLOCK_STATUS: one extent for each context. */
  public static final int CMD_FLAG_REQ_ONE = 1 << 3;

  /** Command flag, WRITE_ZEROES: fail rather than be slow. */
  public static final int CMD_FLAG_FAST_ZERO = 1 << 4;

  /** Command flag, extended headers: the length is that of a payload. */
  public static final int CMD_FLAG_PAYLOAD_LEN = 1 << 5;

  // Reply chunks ("Structured reply types"). Error types have the highest bit of 16 set.

  /** Reply flag: the reply's last chunk. */
  public static final int REPLY_FLAG_DONE = 1;

  /** Chunk: nothing; only ends a reply. */
  public static final int REPLY_TYPE_NONE = 0;

  /** Chunk: data, behind its offset. */
  public static final int REPLY_TYPE_OFFSET_DATA = 1;

  /** Chunk: a run of zeroes. */
  public static final int REPLY_TYPE_OFFSET_HOLE = 2;

  /** Chunk: extents with 32-bit numbers. */
  public static final int REPLY_TYPE_BLOCK_STATUS = 5;

  /** Chunk: extents with 64-bit numbers. */
  public static final int REPLY_TYPE_BLOCK_STATUS_EXT = 6;

  /** The bit that every error among chunk types has. */
  public static final int REPLY_TYPE_FLAG_ERROR = 1 << 15;

  /** Chunk: an error. */
  public static final int REPLY_TYPE_ERROR = REPLY_TYPE_FLAG_ERROR | 1;

  /** Chunk: an error at an offset. */
  public static final int REPLY_TYPE_ERROR_OFFSET = REPLY_TYPE_FLAG_ERROR | 2;

  // Limits. Those of the protocol first, then ours.

  /** The longest string the protocol allows, in bytes of UTF-8. */
  public static final int STRING_BYTES_MAX = 4096;

  /** The largest payload a peer that was told nothing else may be sent ("Size constraints"). */
  public static final int PAYLOAD_BYTES_MAX = 32 << 20;

  /** The largest minimum block size the protocol allows. */
  public static final int MINIMUM_BLOCK_BYTES_MAX = 64 << 10;

  /** The preferred block size where none was announced. */
  public static final int PREFERRED_BLOCK_BYTES_DEFAULT = 4096;

  /** Queries in one option; each may be as long as a string. */
  public static final int META_CONTEXT_QUERIES_MAX = 64;

  /** Extents in one block status chunk. */
  public static final int EXTENTS_PER_CHUNK_MAX = 1 << 20;

  /** The longest option reply: an INFO or SERVER reply with two full strings needs 8196. */
  public static final int OPTION_REPLY_BYTES_MAX = 16 << 10;

  /** The longest error chunk: number, message, offset. */
  public static final int ERROR_CHUNK_BYTES_MAX = 4 + 2 + STRING_BYTES_MAX + 8;

  private NbdProtocol() {}
}
