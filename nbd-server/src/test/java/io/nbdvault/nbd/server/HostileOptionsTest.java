package io.nbdvault.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.nbdvault.nbd.server.testkit.RawClient;
import io.nbdvault.nbd.server.testkit.ServerFixture;
import io.netty.buffer.ByteBuf;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a client may say before the transmission phase, and what becomes of it. */
@Timeout(60)
final class HostileOptionsTest {
  private static void isInStep(RawClient client) throws Exception {
    assertThat(client.askForType(o -> OptionEncoder.plain(o, NbdProtocol.OPT_LIST)))
        .isEqualTo(NbdProtocol.REP_ACK);
  }

  private static Consumer<ByteBuf> option(int option, Consumer<ByteBuf> data) {
    return o -> {
      o.writeLong(NbdProtocol.IHAVEOPT);
      o.writeInt(option);
      int index = o.writerIndex();
      o.writeInt(0);
      data.accept(o);
      o.setInt(index, o.writerIndex() - index - 4);
    };
  }

  @Test
  void dropsClientThatNeverSpeaks() throws Exception {
    try (ServerFixture fixture = ServerFixture.withDeadlines(300, 60_000);
        RawClient client = RawClient.connect(fixture.socket())) {
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void dropsClientThatHagglesForEver() throws Exception {
    try (ServerFixture fixture = ServerFixture.withDeadlines(300, 60_000);
        RawClient client = RawClient.greeted(fixture.socket())) {
      isInStep(client);
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void closesConnectionsOverTheLimit() throws Exception {
    ServerLimits two = new ServerLimits(2, 10_000, 128, 64, 16, 64 << 20, 128 << 20, 60_000, 2);
    try (ServerFixture fixture = ServerFixture.withLimits(two);
        RawClient first = RawClient.greeted(fixture.socket());
        RawClient second = RawClient.greeted(fixture.socket());
        RawClient third = RawClient.connect(fixture.socket())) {
      assertThat(third.isClosedByServer()).isTrue();
      isInStep(first);
      isInStep(second);
    }
  }

  @Test
  void dropsClientWithTooManyOptions() throws Exception {
    ServerLimits three = new ServerLimits(9, 10_000, 3, 64, 16, 64 << 20, 128 << 20, 60_000, 2);
    try (ServerFixture fixture = ServerFixture.withLimits(three);
        RawClient client = RawClient.greeted(fixture.socket())) {
      isInStep(client);
      isInStep(client);
      isInStep(client);
      client.send(o -> OptionEncoder.plain(o, NbdProtocol.OPT_LIST));
      assertThat(client.bytesUntilClosed()).isZero();
    }
  }

  @Test
  void answersUnknownOptionsAndStaysInStep() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.greeted(fixture.socket())) {
      assertThat(client.askForType(option(4, o -> {}))).isEqualTo(NbdProtocol.REP_ERR_UNSUP);
      assertThat(client.askForType(option(0x7fff_0001, o -> o.writeZero(300_000))))
          .isEqualTo(NbdProtocol.REP_ERR_UNSUP);
      isInStep(client);
    }
  }

  @Test
  void dropsClientWithEndlessOption() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.greeted(fixture.socket())) {
      client.send(
          o -> {
            o.writeLong(NbdProtocol.IHAVEOPT);
            o.writeInt(99);
            o.writeInt(0xffffffff);
          });
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void dropsClientWithWrongOptionMagic() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.greeted(fixture.socket())) {
      client.send(o -> o.writeZero(16));
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void dropsClientWithUnknownFlags() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.connect(fixture.socket())) {
      assertThat(client.readGreeting()).isEqualTo(3);
      client.send(o -> o.writeInt(1 << 2 | 1));
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void refusesOptionsThatAreTooLongAndStaysInStep() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.greeted(fixture.socket())) {
      assertThat(client.askForType(option(NbdProtocol.OPT_INFO, o -> o.writeZero(70_000))))
          .isEqualTo(NbdProtocol.REP_ERR_TOO_BIG);
      isInStep(client);
    }
  }

  @Test
  void refusesNamesThatAreTooLongNotUtf8OrHaveNul() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.greeted(fixture.socket())) {
      List<byte[]> names = List.of(new byte[4097], new byte[] {(byte) 0xff}, new byte[] {65, 0});
      for (byte[] name : names) {
        Consumer<ByteBuf> info =
            option(
                NbdProtocol.OPT_INFO, o -> o.writeInt(name.length).writeBytes(name).writeShort(0));
        assertThat(client.askForType(info)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
      }
      isInStep(client);
    }
  }

  @Test
  void refusesInnerLengthsThatDoNotFitTheOuter() throws Exception {
    List<Consumer<ByteBuf>> liars = new ArrayList<>();
    for (int option : new int[] {NbdProtocol.OPT_INFO, NbdProtocol.OPT_GO}) {
      liars.add(option(option, o -> o.writeShort(0)));
      liars.add(option(option, o -> o.writeInt(100).writeZero(20)));
      liars.add(option(option, o -> o.writeInt(-1).writeZero(20)));
      liars.add(option(option, o -> o.writeInt(0)));
      liars.add(option(option, o -> o.writeInt(0).writeShort(2).writeShort(3)));
      liars.add(option(option, o -> o.writeInt(0).writeShort(0).writeShort(3)));
    }
    for (int option :
        new int[] {NbdProtocol.OPT_LIST_META_CONTEXT, NbdProtocol.OPT_SET_META_CONTEXT}) {
      liars.add(option(option, o -> o.writeInt(2).writeZero(2)));
      liars.add(option(option, o -> o.writeInt(0).writeInt(2).writeInt(0)));
      liars.add(option(option, o -> o.writeInt(0).writeInt(1).writeInt(9).writeByte(1)));
      liars.add(option(option, o -> o.writeInt(0).writeInt(0).writeByte(1)));
    }
    liars.add(option(NbdProtocol.OPT_LIST, o -> o.writeByte(1)));
    liars.add(option(NbdProtocol.OPT_STRUCTURED_REPLY, o -> o.writeByte(1)));
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.greeted(fixture.socket())) {
      for (Consumer<ByteBuf> liar : liars) {
        assertThat(client.askForType(liar)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
      }
      isInStep(client);
      assertThat(fixture.exports().opened()).isZero();
    }
  }

  @Test
  void refusesTooManyQueriesAndStaysInStep() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.greeted(fixture.socket())) {
      for (int count : new int[] {65, 0x7fffffff, -1}) {
        Consumer<ByteBuf> many =
            option(
                NbdProtocol.OPT_LIST_META_CONTEXT,
                o -> o.writeInt(0).writeInt(count).writeZero(65 * 4));
        assertThat(client.askForType(many)).isEqualTo(NbdProtocol.REP_ERR_TOO_BIG);
      }
      isInStep(client);
    }
  }

  @Test
  void opensExportOnlyWhenItIsEntered() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.greeted(fixture.socket())) {
      Consumer<ByteBuf> info = o -> OptionEncoder.goOrInfo(o, NbdProtocol.OPT_INFO, "ro");
      assertThat(client.askForType(info)).isEqualTo(NbdProtocol.REP_ACK);
      assertThat(fixture.exports().opened()).isZero();
      Consumer<ByteBuf> go = o -> OptionEncoder.goOrInfo(o, NbdProtocol.OPT_GO, "ro");
      assertThat(client.askForType(go)).isEqualTo(NbdProtocol.REP_ACK);
      assertThat(fixture.exports().opened()).isEqualTo(1);
    }
  }

  @Test
  void dropsClientThatEntersByNameWhatIsNotThere() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.greeted(fixture.socket())) {
      client.send(o -> OptionEncoder.exportName(o, "nothing"));
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void closesExportOfClientThatVanishes() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      RawClient client = RawClient.entered(fixture.socket(), "ro", HeaderStyle.SIMPLE);
      client.close();
      while (fixture.exports().closed() == 0) {
        Thread.sleep(5);
      }
      assertThat(fixture.exports().closed()).isEqualTo(1);
    }
  }

  @Test
  void refusesTlsThatItHasNoKeysFor() throws Exception {
    try (ServerFixture fixture = ServerFixture.start();
        RawClient client = RawClient.greeted(fixture.socket())) {
      assertThat(client.askForType(o -> OptionEncoder.plain(o, NbdProtocol.OPT_STARTTLS)))
          .isEqualTo(NbdProtocol.REP_ERR_POLICY);
      isInStep(client);
    }
  }

  @Test
  void socketIsItsOwnersAlone() throws Exception {
    try (ServerFixture fixture = ServerFixture.start()) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(fixture.socket())))
          .isEqualTo("rw-------");
    }
  }
}
