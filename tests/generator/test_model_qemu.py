"""The carrier of models for QEMU, with a QEMU that is a socket.

That QEMU itself gets on with it is seen where one is started: kernel_test_module/models_qemu.py.
"""

from __future__ import annotations

import errno
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.generator.model import emit, qemu
from imsgen.generator.model import runtime as ims

LAYOUT = b"""device gadget "A gadget" {
    pci 1af4:10f0;
    store table: msix;
    store ims: iomem {
        bar 0; offset 0x1000; slots 8;
        slot 16 { address_lo @0; address_hi @4; data @8; control @12 { mask bit 0; } }
    }
    vector error = table[0];
    pool q = table[1..] + ims { dedicated; }
}"""

ADDRESS = 0xFEE01000
START, SIZE = 0x100000, 0x10000


class Peer:
    """The other side of the socket."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.number = 0

    def say(self, command: int, body: bytes = b"", files: tuple[int, ...] = (), flags: int = 0):
        """Send a request."""
        self.number += 1
        head = qemu.HEAD.pack(self.number, command, qemu.HEAD.size + len(body), flags, 0)
        socket.send_fds(self.socket, [head + body], files)

    def hear(self) -> tuple[int, int, int, int, bytes]:
        """Number, command, flags, error and the rest of what is said."""
        head = self.socket.recv(qemu.HEAD.size, socket.MSG_WAITALL)
        number, command, size, flags, error = qemu.HEAD.unpack(head)
        rest = size - qemu.HEAD.size
        return (
            number,
            command,
            flags,
            error,
            self.socket.recv(rest, socket.MSG_WAITALL) if rest else b"",
        )

    def ask(self, command: int, body: bytes = b"", files: tuple[int, ...] = ()) -> bytes:
        """What is answered.  Raises OSError with the errno that is."""
        self.say(command, body, files)
        number, said, flags, error, rest = self.hear()
        assert (number, said, flags & qemu.KIND) == (self.number, command, qemu.REPLY)
        if flags & qemu.ERROR:
            assert not rest
            raise OSError(error, os.strerror(error))
        return rest

    def read(self, region: int, at: int, count: int) -> bytes:
        head = struct.pack("=QII", at, region, count)
        said = self.ask(qemu.READ, head)
        assert said[:16] == head
        return said[16:]

    def write(self, region: int, at: int, data: bytes) -> None:
        head = struct.pack("=QII", at, region, len(data))
        assert self.ask(qemu.WRITE, head + data) == head

    def irqs(self, index: int, start: int, count: int, flags: int, *files: int) -> None:
        body = struct.pack("=IIIII", 20, flags, index, start, count)
        assert self.ask(qemu.SET_IRQS, body, files) == b""

    def map(self, address: int, size: int, offset: int = 0, *files: int) -> bytes:
        return self.ask(
            qemu.DMA_MAP, struct.pack("=IIQQQ", 32, 3, offset, address, size), tuple(files)
        )

    def unmap(self, address: int, size: int, flags: int = 0) -> bytes:
        return self.ask(qemu.DMA_UNMAP, struct.pack("=IIQQ", 24, flags, address, size))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[qemu.Server]:
    (device,) = load("gadget.ims", LAYOUT).devices
    model = emit.model_module("m", emit.text_of(device), "m.py").Model()
    made = qemu.Server(model, str(tmp_path / "s"))
    made.start()
    yield made
    made.stop()
    assert not (tmp_path / "s").exists() and not made.files


@pytest.fixture
def peer(server: qemu.Server) -> Iterator[Peer]:
    made = Peer(server.path)
    yield made
    made.socket.close()


def fill(peer: Peer, index: int, address: int, data: int) -> None:
    """A driver writes a message, and opens its slot."""
    peer.write(qemu.CONFIG, ims.COMMAND, b"\x06\x00")
    for offset, value in ((12, 1), (0, address), (4, 0), (8, data), (12, 0)):
        peer.write(0, 0x1000 + 16 * index + offset, value.to_bytes(4, "little"))


def test_what_the_device_has(server: qemu.Server, peer: Peer) -> None:
    """Version, regions, interrupts: as QEMU asks for them when it starts."""
    said = peer.ask(qemu.VERSION, struct.pack("=HH", 0, 1) + b'{"capabilities":{}}\0')
    assert struct.unpack_from("=HH", said) == (0, 0)
    assert json.loads(said[4:-1])["capabilities"]["max_msg_fds"] == 8
    assert struct.unpack("=IIII", peer.ask(qemu.INFO, bytes(16))) == (16, 3, 9, 5)
    sizes = {}
    for index in range(qemu.REGIONS):
        body = peer.ask(qemu.REGION_INFO, struct.pack("=IIIIQQ", 32, 0, index, 0, 0, 0))
        _, flags, same, _, size, _ = struct.unpack("=IIIIQQ", body)
        assert same == index and flags == (3 if size else 0)
        sizes |= {index: size} if size else {}
    assert sizes == server.device.sizes | {qemu.CONFIG: 4096}
    counts = []
    for index in range(qemu.IRQS):
        body = peer.ask(qemu.IRQ_INFO, struct.pack("=IIII", 16, 0, index, 0))
        counts.append(struct.unpack("=IIII", body)[3])
    assert counts == [0, 0, server.device.stores["table"].slots, 0, 0]
    for command in (qemu.REGION_INFO, qemu.IRQ_INFO):
        with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
            peer.ask(command, struct.pack("=IIIIQQ", 32, 0, 99, 0, 0, 0))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSYS)):
        peer.ask(16, bytes(16))
    assert server.broken is None


def test_a_message_is_a_write_to_the_bus(server: qemu.Server, peer: Peer) -> None:
    """Of what stands in its slot, to where it goes; no answer is wanted."""
    assert peer.read(qemu.CONFIG, 0, 4) == bytes.fromhex("f41af010")
    fill(peer, 2, ADDRESS, 0x4021)
    assert peer.read(0, 0x1028, 4) == struct.pack("=I", 0x4021)
    assert server.device.send("ims", 2) == "sent"
    _, command, flags, _, body = peer.hear()
    assert (command, flags) == (qemu.DMA_WRITE, qemu.NO_REPLY)
    assert struct.unpack("=QQI", body) == (ADDRESS, 4, 0x4021)
    # What comes back is the error of one that nobody took.
    peer.say(qemu.DMA_WRITE, flags=qemu.REPLY | qemu.ERROR)
    fill(peer, 3, 0x12340000, 1)
    server.device.send("ims", 3)
    assert [(f.rule, f.name) for f in server.device.findings if f.rule == "address"] == [
        ("address", "ims[3]")
    ]
    assert server.broken is None


def test_the_table_is_the_peers(server: qemu.Server, peer: Peer) -> None:
    """An entry is open while it has a file; a reset of the function takes none of them away."""
    device, table = server.device, server.device.stores["table"]
    trace: list[str] = []
    device.trace = lambda line: trace.append(json.dumps(line))
    files = [os.eventfd(0) for _ in range(3)]
    peer.write(qemu.CONFIG, ims.COMMAND, b"\x06\x00")
    assert device.send("table", 1) == "off"
    peer.write(qemu.CONFIG, ims.MSIX + 2, b"\x00\x80")
    assert device.send("table", 1) == "pending"
    peer.irqs(qemu.MSIX_IRQS, 0, 3, qemu.BY_FILE | qemu.TRIGGER, *files)
    assert os.eventfd_read(files[1]) == 1
    assert device.open_messages() == [("table", 0), ("table", 1), ("table", 2)]
    assert [device.send("table", 2) for _ in range(2)] == ["sent", "sent"]
    assert os.eventfd_read(files[2]) == 2
    peer.ask(qemu.RESET)
    assert device.send("table", 2) == "off" and table.message(2) == (ims.KEPT, 2)
    peer.irqs(qemu.MSIX_IRQS, 1, 1, qemu.BY_FILE | qemu.TRIGGER)
    assert sorted(server.files) == [0, 2]
    peer.irqs(qemu.MSIX_IRQS, 0, 0, 0x1 | qemu.TRIGGER)
    assert not server.files and not device.open_messages()
    # The trace has which entries were taken.
    assert ims.replay(type(device)(), trace) == []
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        peer.irqs(qemu.MSIX_IRQS, table.slots, 1, qemu.BY_FILE | qemu.TRIGGER, files[0])
    for file in files:
        os.close(file)


def test_a_file_that_is_full_keeps_nobody_waiting(server: qemu.Server, peer: Peer) -> None:
    """A pipe that nobody reads, and one that is closed."""
    peer.write(qemu.CONFIG, ims.COMMAND, b"\x06\x00")
    peer.write(qemu.CONFIG, ims.MSIX + 2, b"\x00\x80")
    near, far = os.pipe()
    peer.irqs(qemu.MSIX_IRQS, 0, 1, qemu.BY_FILE | qemu.TRIGGER, far)
    begin = time.monotonic()
    for _ in range(10000):
        server.device.send("table", 0)
    assert time.monotonic() - begin < 10 and server.broken is None
    os.close(near)
    server.device.send("table", 0)
    assert server.broken is not None and "no message can be sent" in server.broken
    os.close(far)


def test_memory_is_fetched(server: qemu.Server, peer: Peer) -> None:
    """What has no file reads as zeros; what goes is gone."""
    file = os.memfd_create("guest")
    os.truncate(file, 2 * SIZE)
    os.pwrite(file, b"abcd", SIZE + 0x40)
    peer.map(START, SIZE, SIZE, file)
    peer.map(0, 0x1000)
    device = server.device
    assert device.fetch(START + 0x40, 4) == b"abcd"
    assert device.fetch(0, 4) == device.fetch(START + SIZE - 2, 4) == bytes(4)
    with pytest.raises(FileExistsError):
        peer.map(START + 0x1000, 0x1000, 0, file)
    with pytest.raises(FileNotFoundError):
        peer.unmap(START, 0x1000)
    assert len(peer.unmap(START, SIZE)) == 24
    assert device.fetch(START + 0x40, 4) == bytes(4)
    peer.map(START, SIZE, SIZE, file)
    peer.unmap(0, 0, qemu.ALL)
    assert not server.regions and not server.unmapped
    os.close(file)


@pytest.mark.parametrize(
    ("region", "at", "count"),
    [(0, 1 << 20, 4), (0, (1 << 64) - 2, 4), (qemu.CONFIG, 4094, 4), (6, 0, 4), (99, 0, 1)],
)
def test_accesses_outside_are_refused(
    region: int, at: int, count: int, server: qemu.Server, peer: Peer
) -> None:
    """By an errno, and the next request is answered."""
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        peer.read(region, at, count)
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        peer.write(region, at, bytes(count))
    assert peer.read(0, 0, 0) == b""
    assert server.broken is None


def test_what_is_gone_answers_ones(server: qemu.Server, peer: Peer) -> None:
    """The socket stays: QEMU would end with it."""
    server.device.gone()
    assert peer.read(qemu.CONFIG, 0, 4) == peer.read(0, 0, 4) == b"\xff" * 4
    server.device.back()
    assert peer.read(qemu.CONFIG, 0, 2) == b"\xf4\x1a"


HOSTILE = {
    "short": lambda p: p.socket.sendall(qemu.HEAD.pack(1, qemu.READ, 3, 0, 0)),
    "huge": lambda p: p.socket.sendall(qemu.HEAD.pack(1, qemu.READ, 1 << 31, 0, 0)),
    "kind": lambda p: p.say(qemu.INFO, flags=7),
    "version": lambda p: p.say(qemu.VERSION, struct.pack("=HH", 3, 0)),
    "nothing": lambda p: p.say(qemu.SET_IRQS, b"\0"),
    "more": lambda p: p.say(qemu.WRITE, struct.pack("=QII", 0, 0, 8) + b"abc"),
    "memory": lambda p: p.say(
        qemu.DMA_MAP, struct.pack("=IIQQQ", 32, 3, 0, 0, 1 << 62), (p.socket.fileno(),)
    ),
    "files": lambda p: p.say(
        qemu.SET_IRQS,
        struct.pack("=IIIII", 20, qemu.BY_FILE | qemu.TRIGGER, qemu.MSIX_IRQS, 0, 2),
        (p.socket.fileno(),),
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_broken_peer_is_left_alone(name: str, server: qemu.Server, peer: Peer) -> None:
    """And it is said why."""
    HOSTILE[name](peer)
    assert server.join(10)
    assert server.broken is not None and "PeerError" in server.broken


@pytest.mark.parametrize("seed", range(12))
def test_anything_may_be_said(seed: int, server: qemu.Server, peer: Peer) -> None:
    """Random requests, files and halves of requests: the thread ends, and keeps no file."""
    chance = random.Random(seed)
    before = len(os.listdir("/proc/self/fd"))
    try:
        for _ in range(40):
            body = chance.randbytes(chance.choice([0, 4, 16, 20, 24, 32, 40]))
            if chance.random() < 0.5:
                body = bytes(4) + body[4:12].ljust(8, b"\0") + struct.pack("=III", 0, 1, 1)
            files = (2,) * chance.choice([0, 0, 1, 3])
            peer.say(chance.randrange(20), body, files, chance.choice([0, 0, 1, qemu.NO_REPLY]))
            while select.select([peer.socket], [], [], 0)[0] and peer.socket.recv(4096):
                pass
        peer.socket.sendall(b"\1\0")
    except OSError:
        pass
    peer.socket.close()
    assert server.join(10)
    server.forget()
    server.regions.clear()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_one_that_takes_nothing_is_left_alone(server: qemu.Server, peer: Peer) -> None:
    """Messages fill its socket: whoever sends waits once, and not for long."""
    fill(peer, 2, ADDRESS, 1)
    assert server.peer is not None
    server.peer.settimeout(0.3)
    begin = time.monotonic()
    while server.broken is None and time.monotonic() - begin < 20:
        server.device.send("ims", 2)
    assert server.broken is not None and "no message can be sent" in server.broken
    assert server.join(10)
    server.device.send("ims", 2)


@pytest.mark.slow
def test_one_that_goes_silent_is_no_obstacle(server: qemu.Server, peer: Peer) -> None:
    """Half a request, and nothing more: stopping takes a second or two."""
    peer.socket.sendall(b"\1\0")
    time.sleep(0.2)
    begin = time.monotonic()
    server.stop()
    assert time.monotonic() - begin < 8
    server.start()


def test_a_mistake_of_the_author_is_said(server: qemu.Server, peer: Peer) -> None:
    """With its place."""

    def start(value: int) -> None:
        raise KeyError("no such queue")

    server.device.register(0, 0x40, "start", write=start)
    peer.say(qemu.WRITE, struct.pack("=QII", 0x40, 0, 4) + bytes(4))
    assert server.join(10)
    assert server.broken is not None
    assert "test_model_qemu.py" in server.broken and "no such queue" in server.broken


def test_a_model_serves_by_itself(tmp_path: Path) -> None:
    """Beside its run-time, without imsgen."""
    (device,) = load("gadget.ims", LAYOUT).devices
    (tmp_path / "gadget_model.py").write_text(emit.text_of(device))
    for name, text in emit.runtime_texts().items():
        (tmp_path / name).write_text(text)
    path = tmp_path / "socket"
    words = [sys.executable, "-S", "-u", "gadget_model.py", "qemu", str(path)]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert "vfio-user-pci" in child.stdout.readline()
        peer = Peer(str(path))
        fill(peer, 0, ADDRESS, 1)
        peer.socket.close()
        assert child.stdout.read() == ""
    assert child.returncode == 0 and not path.exists()
