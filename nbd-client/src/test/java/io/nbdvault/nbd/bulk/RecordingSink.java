package io.nbdvault.nbd.bulk;

import java.util.ArrayList;
import java.util.List;

/** Keeps what it is given, and notices what it is given twice. */
class RecordingSink implements ExtentSink {
  final byte[] content;
  final boolean[] delivered;
  final boolean[] asZero;
  final List<String> mistakes = new ArrayList<>();

  RecordingSink(int bytes) {
    content = new byte[bytes];
    delivered = new boolean[bytes];
    asZero = new boolean[bytes];
  }

  @Override
  public void data(long offsetBytes, DataLease data) {
    synchronized (this) {
      int length = data.buffer().remaining();
      mark(offsetBytes, length, false);
      data.buffer().get(content, (int) offsetBytes, length);
      data.close();
    }
  }

  @Override
  public void zeroes(long offsetBytes, long lengthBytes, Lease lease) {
    synchronized (this) {
      mark(offsetBytes, lengthBytes, true);
      lease.close();
    }
  }

  /** How many bytes have not come. */
  int undelivered() {
    int count = 0;
    for (boolean one : delivered) {
      count += one ? 0 : 1;
    }
    return count;
  }

  private void mark(long offset, long length, boolean zero) {
    for (int i = (int) offset; i < offset + length; i++) {
      if (delivered[i]) {
        mistakes.add("byte " + i + " came twice");
        return;
      }
      delivered[i] = true;
      asZero[i] = zero;
    }
  }
}
