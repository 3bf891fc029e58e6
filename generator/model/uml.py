"""Attach a model to User Mode Linux: a PCI device over virtio, by a vhost-user socket.

The kernel is started with ``virtio_uml.device=SOCKET:4242``, where 4242 is its
CONFIG_UML_PCI_OVER_VIRTIO_DEVICE_ID.  Its queue 0 carries accesses of configuration space and BARs
(include/uapi/linux/virtio_pcidev.h), queue 1 the messages that the device sends.
"""

from __future__ import annotations

import array
import mmap
import os
import selectors
import socket
import struct
import threading
import traceback
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

#: The number of the virtio device, as the kernel is configured.
NUMBER = 4242

#: Where the kernel wants its messages: data is the number of the interrupt.
ADDRESS = 0xA0000

#: Requests of vhost-user.
GET_FEATURES, SET_MEM_TABLE, VRING_NUM, VRING_ADDR, VRING_BASE = 1, 5, 8, 9, 10
GET_VRING_BASE, VRING_KICK, VRING_CALL, VRING_ERR, PROTOCOL_FEATURES = 11, 12, 13, 14, 15
REQUEST_FD = 21
VERSION, REPLY, NEED_REPLY = 0x1, 0x4, 0x8
#: What is offered: a modern device, and a way for its requests: without that, no interrupts.
FEATURES, REQUESTS = 1 << 32 | 1 << 30, 1 << 5

#: Operations of virtio_pcidev.
CFG_READ, CFG_WRITE, MMIO_READ, MMIO_WRITE, MMIO_MEMSET, INT, MSI = range(1, 8)
HEAD = struct.Struct("=BBHIQ")

#: Flags of descriptors and rings.
NEXT, WRITE, QUIET = 1, 2, 1

#: The largest access, and the largest chain of buffers: more is a broken peer.
LARGEST = 1 << 20

#: How many messages wait for buffers, and bytes of a request: more is a broken peer, too.
MOST, LONGEST = 1 << 17, 4096

#: Seconds that the rest of a request may take, and an answer to be taken.
PATIENCE = 10.0


class PeerError(Exception):
    """The kernel does what the protocol has not."""


@dataclass
class Region:
    """Memory of the guest."""

    start: int
    size: int
    offset: int
    bytes: mmap.mmap


@dataclass
class Queue:
    """A split ring; addresses are the guest's."""

    size: int = 0
    desc: int = 0
    used: int = 0
    avail: int = 0
    seen: int = 0
    done: int = 0
    kick: int = -1
    call: int = -1


@dataclass
class Server:
    """One device on one socket.  ``device`` is a model, as ``Device`` of the run-time."""

    device: Any
    path: str
    regions: list[Region] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=lambda: [Queue(), Queue()])
    #: Messages for which the guest has no buffer yet.
    waiting: deque[int] = field(default_factory=deque)
    #: Files which only have to stay open.
    kept: list[int] = field(default_factory=list)
    #: Queues that may have more than was taken.
    _more: set[int] = field(default_factory=set)
    #: Why the guest was left alone; None while all is well.
    broken: str | None = None

    def start(self) -> None:
        """Listen, and serve one guest in a thread until it goes.  Raises OSError."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(self.path)
            self._listener.listen(1)
        except OSError as error:
            # A path that is too long has no number.
            self._listener.close()
            raise OSError(error.errno, error.strerror or str(error), self.path) from error
        self._stop, self._wake = os.pipe()
        self.device.deliver = self.deliver
        self.device.memory = self.memory
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def join(self, limit: float | None = None) -> bool:
        """Wait until the guest has gone, for ``limit`` seconds at most; whether it has."""
        self._thread.join(limit)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Stop serving, and leave nothing behind."""
        os.close(self._wake)
        self._thread.join(PATIENCE + 5)
        os.close(self._stop)
        self._listener.close()
        for number in (*self.kept, *(n for q in self.queues for n in (q.kick, q.call))):
            if number >= 0:
                os.close(number)
        self.kept, self.queues = [], [Queue(), Queue()]
        self.regions = []
        if os.path.exists(self.path):
            os.unlink(self.path)

    # --- what the device does -------------------------------------------------------------------

    def deliver(self, address: int, data: int) -> bool:
        """Send a message, whether anybody takes it or not; the device's lock is held."""
        if address != ADDRESS:
            return False
        if self.broken is None:
            self.waiting.append(data)
            try:
                self._flush()
                if len(self.waiting) > MOST:
                    raise PeerError(f"{MOST} messages wait for buffers")
            except (PeerError, OSError, ValueError) as error:
                self.broken = str(error)
                self.waiting.clear()
        return True

    def memory(self, address: int, size: int) -> bytes:
        """What the guest's memory holds; zeros where there is none."""
        try:
            return bytes(self._bytes(address, size))
        except PeerError:
            return bytes(size)

    # --- the socket -----------------------------------------------------------------------------

    def _serve(self) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(self._stop, selectors.EVENT_READ)
            ready.register(self._listener, selectors.EVENT_READ)
            peer: socket.socket | None = None
            try:
                while True:
                    for key, _ in ready.select(0 if self._more else None):
                        if key.fd == self._stop:
                            return
                        if key.fileobj is self._listener:
                            peer, _ = self._listener.accept()
                            peer.settimeout(PATIENCE)
                            ready.unregister(self._listener)
                            ready.register(peer, selectors.EVENT_READ)
                        elif peer is not None and key.fd == peer.fileno():
                            if not self._request(peer, ready):
                                return
                        else:
                            self._knocked(key.fd)
                            self._more.add(key.data)
                    more, self._more = self._more, set()
                    for index in more:
                        self._kicked(index)
            except Exception as error:
                # A broken guest, or a mistake in what the author of the model has added.
                where = traceback.extract_tb(error.__traceback__)[-1]
                self.broken = f"{where.filename}:{where.lineno}: {type(error).__name__}: {error}"
            finally:
                with self.device.lock:
                    self.queues[1].size = 0
                if peer is not None:
                    peer.close()

    def _request(self, peer: socket.socket, ready: selectors.BaseSelector) -> bool:
        """Answer one request; False where the guest has gone."""
        fds: list[int] = []
        try:
            head = self._receive(peer, 12, fds)
            if not head:
                return False
            if len(head) < 12:
                raise PeerError("it has gone within a request")
            request, flags, size = struct.unpack("=III", head)
            if flags & 3 != VERSION or size > LONGEST:
                raise PeerError(f"request {request} with flags {flags:#x} and {size} bytes")
            body = self._receive(peer, size, fds)
            if len(body) != size:
                raise PeerError("it has gone within a request")
            answer = self._handle(request, body, fds, ready)
        finally:
            # Those that nobody wants.
            for number in fds:
                os.close(number)
        if answer is None and flags & NEED_REPLY:
            answer = struct.pack("=Q", 0)
        if answer is not None:
            peer.sendall(struct.pack("=III", request, VERSION | REPLY, len(answer)) + answer)
        return True

    def _receive(self, peer: socket.socket, size: int, fds: list[int]) -> bytes:
        """That many bytes, fewer if the peer goes; the files that come along go to ``fds``."""
        data = b""
        while len(data) < size:
            part, more, _, _ = peer.recvmsg(size - len(data), socket.CMSG_SPACE(8 * 4))
            for level, kind, content in more:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds += array.array("i", content[: len(content) // 4 * 4])
            if not part:
                break
            data += part
        return data

    def _handle(
        self, request: int, body: bytes, fds: list[int], ready: selectors.BaseSelector
    ) -> bytes | None:
        if request == GET_FEATURES:
            return struct.pack("=Q", FEATURES)
        if request == PROTOCOL_FEATURES:
            return struct.pack("=Q", REQUESTS)
        if request == REQUEST_FD:
            self.kept, old = _taken(fds), self.kept
            for number in old:
                os.close(number)
        if request == SET_MEM_TABLE:
            regions = self._map(body, fds)
            with self.device.lock:
                self.regions = regions
        elif request in (VRING_NUM, VRING_ADDR, VRING_BASE, VRING_KICK, VRING_CALL, VRING_ERR):
            index = self._number(body, "=I", 0)[0] & 0xFF
            if index >= len(self.queues):
                raise PeerError(f"queue {index}")
            with self.device.lock:
                self._ring(request, self.queues[index], index, body, fds, ready)
        elif request == GET_VRING_BASE:
            (index,) = self._number(body, "=I", 0)
            return struct.pack("=II", index, self.queues[index & 1].seen)
        return None

    def _ring(
        self,
        request: int,
        queue: Queue,
        index: int,
        body: bytes,
        fds: list[int],
        ready: selectors.BaseSelector,
    ) -> None:
        if request == VRING_NUM:
            _, size = self._number(body, "=II", 0)
            if not 0 < size <= 1 << 15 or size & size - 1:
                raise PeerError(f"a queue of {size}")
            queue.size = size
        elif request == VRING_BASE:
            queue.seen = queue.done = self._number(body, "=II", 0)[1] & 0xFFFF
        elif request == VRING_ADDR:
            queue.desc, queue.used, queue.avail = self._number(body, "=QQQ", 8)
        elif request == VRING_KICK and fds:
            kick = _own(fds)
            if queue.kick >= 0:
                ready.unregister(queue.kick)
                os.close(queue.kick)
            queue.kick = kick
            ready.register(kick, selectors.EVENT_READ, index)
            # What was asked for before anybody listened.
            self._more.add(index)
        elif request == VRING_CALL and fds:
            call = _own(fds)
            if queue.call >= 0:
                os.close(queue.call)
            queue.call = call

    def _map(self, body: bytes, fds: list[int]) -> list[Region]:
        (count,) = self._number(body, "=I", 0)
        if count > len(fds):
            raise PeerError(f"{count} regions of memory in {len(fds)} files")
        regions = []
        for number, file in enumerate(fds[:count]):
            start, size, _, offset = self._number(body, "=QQQQ", 8 + 32 * number)
            if not size or offset + size > os.fstat(file).st_size:
                raise PeerError(f"{size} bytes at {offset:#x} are not in the file of its memory")
            regions.append(Region(start, size, offset, mmap.mmap(file, offset + size)))
        return regions

    def _number(self, body: bytes, form: str, at: int) -> tuple[int, ...]:
        """Numbers in a request."""
        if len(body) < at + struct.calcsize(form):
            raise PeerError(f"a request with {len(body)} bytes")
        return struct.unpack_from(form, body, at)

    # --- rings ----------------------------------------------------------------------------------

    def _bytes(self, address: int, size: int) -> memoryview:
        for region in self.regions:
            at = address - region.start
            if at >= 0 and at + size <= region.size:
                return memoryview(region.bytes)[region.offset + at : region.offset + at + size]
        raise PeerError(f"{size} bytes at {address:#x} are no memory")

    def _word(self, address: int) -> memoryview:
        """A word that the guest looks at, too: read and written by one access.

        ``struct.pack_into`` is none: it clears the bytes first.
        """
        return self._bytes(address, 2).cast("H")

    def _next(self, queue: Queue) -> tuple[int, bytes, list[memoryview]] | None:
        """The next buffer: its number, what is in it, and where an answer goes."""
        if not queue.size or not (new := self._word(queue.avail + 2)[0] - queue.seen & 0xFFFF):
            return None
        if new > queue.size:
            raise PeerError(f"{new} buffers in a queue of {queue.size}")
        head = index = self._word(queue.avail + 4 + 2 * (queue.seen % queue.size))[0]
        queue.seen = queue.seen + 1 & 0xFFFF
        given, room, total = b"", [], 0
        for _ in range(queue.size):
            if index >= queue.size:
                raise PeerError(f"descriptor {index} of {queue.size}")
            entry = self._bytes(queue.desc + 16 * index, 16)
            address, size, flags, index = struct.unpack("=QIHH", entry)
            total += size
            if total > LARGEST:
                raise PeerError(f"buffers of {total} bytes")
            if flags & WRITE:
                room.append(self._bytes(address, size))
            else:
                given += self._bytes(address, size)
            if not flags & NEXT:
                return head, given, room
        raise PeerError("descriptors lead in a circle")

    def _finish(self, queue: Queue, head: int, size: int) -> None:
        entry = self._bytes(queue.used + 4 + 8 * (queue.done % queue.size), 8)
        struct.pack_into("=II", entry, 0, head, size)
        queue.done = queue.done + 1 & 0xFFFF
        self._word(queue.used + 2)[0] = queue.done

    def _call(self, queue: Queue) -> None:
        if queue.call >= 0 and not self._word(queue.avail)[0] & QUIET:
            # One that is full has been called already.
            with suppress(BlockingIOError):
                os.write(queue.call, struct.pack("=Q", 1))

    def _knocked(self, kick: int) -> None:
        with suppress(BlockingIOError):
            if not os.read(kick, 8):
                raise PeerError("it has left its doorbell")

    def _kicked(self, index: int) -> None:
        with self.device.lock:
            if index:
                self._flush()
                return
            queue, any_done = self.queues[0], False
            # Whoever asks on and on must not keep others from the device.
            for _ in range(queue.size):
                if (found := self._next(queue)) is None:
                    break
                head, given, room = found
                self._finish(queue, head, self._command(given, room))
                any_done = True
            else:
                if queue.size:
                    self._more.add(index)
            if any_done:
                self._call(queue)

    def _flush(self) -> None:
        queue, any_done = self.queues[1], False
        while self.waiting:
            found = self._next(queue)
            if found is None:
                break
            head, _, room = found
            message = HEAD.pack(MSI, 0, 0, 4, 0) + struct.pack("=I", self.waiting[0])
            if not room or len(room[0]) < len(message):
                raise PeerError("no room for a message")
            self.waiting.popleft()
            room[0][: len(message)] = message
            self._finish(queue, head, len(message))
            any_done = True
        if any_done:
            self._call(queue)

    def _command(self, given: bytes, room: list[memoryview]) -> int:
        """Do an access; how many bytes the answer has."""
        if len(given) < HEAD.size:
            raise PeerError(f"a command of {len(given)} bytes")
        op, bar, _, size, at = HEAD.unpack_from(given)
        data = given[HEAD.size : HEAD.size + size]
        if not 0 < size <= LARGEST:
            raise PeerError(f"an access of {size} bytes")
        need = {CFG_WRITE: size, MMIO_WRITE: size, MMIO_MEMSET: 1}.get(op, 0)
        if len(data) < need:
            raise PeerError(f"{len(data)} bytes of {size} are written")
        if op in (CFG_READ, MMIO_READ):
            if not room or len(room[0]) < size:
                raise PeerError("no room for an answer")
            if op == CFG_READ:
                room[0][:size] = self.device.config_read(at, size)
            else:
                room[0][:size] = self.device.read(bar, at, size)
            return int(size)
        if op == CFG_WRITE:
            self.device.config_write(at, data)
        elif op == MMIO_WRITE:
            self.device.write(bar, at, data)
        elif op == MMIO_MEMSET:
            self.device.write(bar, at, data[:1] * size)
        else:
            raise PeerError(f"operation {op}")
        return 0


def _taken(fds: list[int]) -> list[int]:
    """All of them, which are not closed then."""
    taken = fds[:]
    fds.clear()
    return taken


def _own(fds: list[int]) -> int:
    """The first of them, which is not closed then; nobody is waited for at it."""
    number = fds.pop(0)
    os.set_blocking(number, False)
    return number


def serve(device: Any, path: str) -> None:
    """Serve one guest at a socket until it goes, or until an interrupt from the keyboard."""
    server = Server(device, path)
    try:
        server.start()
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}; name another socket, or remove it") from error
    print(f"waiting at {path}; start the kernel with virtio_uml.device={path}:{NUMBER}")
    try:
        server.join()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        for finding in device.findings:
            print(finding)
