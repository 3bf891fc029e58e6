"""Attach a model to User Mode Linux: a PCI device over virtio, by a vhost-user socket.

The kernel is started with ``virtio_uml.device=SOCKET:4242``, where 4242 is its
CONFIG_UML_PCI_OVER_VIRTIO_DEVICE_ID.  Its queue 0 carries accesses of configuration space and BARs
(include/uapi/linux/virtio_pcidev.h), queue 1 the messages that the device sends.
"""

from __future__ import annotations

import os
import selectors
import socket
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from . import carrier
from .carrier import LARGEST, PeerError

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
class Server(carrier.Carrier):
    """The carrier: two rings in the guest's memory."""

    queues: list[Queue] = field(default_factory=lambda: [Queue(), Queue()])
    #: Messages for which the guest has no buffer yet.
    waiting: deque[int] = field(default_factory=deque)
    #: Files which only have to stay open.
    kept: list[int] = field(default_factory=list)

    # --- what the device does -------------------------------------------------------------------

    def deliver(self, address: int, data: int) -> bool:
        """Send a message, whether anybody takes it or not; the device's lock is held."""
        if address != ADDRESS:
            return False
        self.waiting.append(data)
        try:
            self._flush()
        except PeerError as error:
            self.broken = str(error)
        return True

    def knocked(self, index: int) -> None:
        """The guest has put something into a ring."""
        with self.device.lock:
            if index:
                self._flush()
                return
            queue, any_done = self.queues[0], False
            while (found := self._next(queue)) is not None:
                head, given, room = found
                self._finish(queue, head, self._command(given, room))
                any_done = True
            if any_done:
                self._call(queue)

    def left(self) -> None:
        """No message finds a buffer any more."""
        with self.device.lock:
            self.queues[1].size = 0

    def forget(self) -> None:
        """Close the files of the guest."""
        for number in (*self.kept, *(n for q in self.queues for n in (q.kick, q.call))):
            if number >= 0:
                os.close(number)
        self.kept, self.queues = [], [Queue(), Queue()]

    # --- the socket -----------------------------------------------------------------------------

    def request(self, peer: socket.socket) -> bool:
        """Answer one request; False where the guest has gone."""
        head, fds = self.receive(peer, 12)
        if not head:
            return False
        request, flags, size = struct.unpack("=III", head)
        if flags & 3 != VERSION or size > 4096:
            raise PeerError(f"request {request} with flags {flags:#x} and {size} bytes")
        body = self.receive(peer, size)[0] if size else b""
        if len(body) != size:
            return False
        answer = self._handle(request, body, fds)
        if answer is None and flags & NEED_REPLY:
            answer = struct.pack("=Q", 0)
        if answer is not None:
            peer.sendall(struct.pack("=III", request, VERSION | REPLY, len(answer)) + answer)
        return True

    def _handle(self, request: int, body: bytes, fds: list[int]) -> bytes | None:
        if request == GET_FEATURES:
            return struct.pack("=Q", FEATURES)
        if request == PROTOCOL_FEATURES:
            return struct.pack("=Q", REQUESTS)
        if request == REQUEST_FD:
            self.kept += fds
        if request == SET_MEM_TABLE:
            self._map(body, fds)
        elif request in (VRING_NUM, VRING_ADDR, VRING_BASE, VRING_KICK, VRING_CALL, VRING_ERR):
            index = struct.unpack_from("=I", body)[0] & 0xFF
            if index >= len(self.queues):
                raise PeerError(f"queue {index}")
            with self.device.lock:
                self._ring(request, self.queues[index], index, body, fds)
        elif request == GET_VRING_BASE:
            index = struct.unpack_from("=I", body)[0]
            return struct.pack("=II", index, self.queues[index & 1].seen)
        return None

    def _ring(self, request: int, queue: Queue, index: int, body: bytes, fds: list[int]) -> None:
        if request == VRING_NUM:
            queue.size = struct.unpack_from("=II", body)[1]
            if not 0 < queue.size <= 1 << 15:
                raise PeerError(f"a queue of {queue.size}")
        elif request == VRING_BASE:
            queue.seen = queue.done = struct.unpack_from("=II", body)[1]
        elif request == VRING_ADDR:
            queue.desc, queue.used, queue.avail = struct.unpack_from("=QQQ", body, 8)
        elif request == VRING_KICK and fds:
            queue.kick = fds[0]
            self.ready.register(queue.kick, selectors.EVENT_READ, index)
            # What was asked for before anybody listened.
            self.knocked(index)
        elif request == VRING_CALL and fds:
            queue.call = fds[0]

    def _map(self, body: bytes, fds: list[int]) -> None:
        (count,) = struct.unpack_from("=I", body)
        if count > len(fds):
            raise PeerError(f"{count} regions of memory in {len(fds)} files")
        regions = []
        for number, file in enumerate(fds):
            start, size, _, offset = struct.unpack_from("=QQQQ", body, 8 + 32 * number)
            regions.append(self.map(file, start, size, offset))
            os.close(file)
        self.regions = regions

    # --- rings ----------------------------------------------------------------------------------

    def _word(self, address: int) -> memoryview:
        """A word that the guest looks at, too: read and written by one access.

        ``struct.pack_into`` is none: it clears the bytes first.
        """
        return self.view(address, 2).cast("H")

    def _next(self, queue: Queue) -> tuple[int, bytes, list[memoryview]] | None:
        """The next buffer: its number, what is in it, and where an answer goes."""
        if not queue.size or self._word(queue.avail + 2)[0] == queue.seen:
            return None
        head = index = self._word(queue.avail + 4 + 2 * (queue.seen % queue.size))[0]
        queue.seen = queue.seen + 1 & 0xFFFF
        given, room = b"", []
        for _ in range(queue.size):
            if index >= queue.size:
                raise PeerError(f"descriptor {index} of {queue.size}")
            entry = self.view(queue.desc + 16 * index, 16)
            address, size, flags, index = struct.unpack("=QIHH", entry)
            if size > LARGEST:
                raise PeerError(f"a buffer of {size} bytes")
            if flags & WRITE:
                room.append(self.view(address, size))
            else:
                given += self.view(address, size)
            if not flags & NEXT:
                return head, given, room
        raise PeerError("descriptors lead in a circle")

    def _finish(self, queue: Queue, head: int, size: int) -> None:
        entry = self.view(queue.used + 4 + 8 * (queue.done % queue.size), 8)
        struct.pack_into("=II", entry, 0, head, size)
        queue.done = queue.done + 1 & 0xFFFF
        self._word(queue.used + 2)[0] = queue.done

    def _call(self, queue: Queue) -> None:
        if queue.call >= 0 and not self._word(queue.avail)[0] & QUIET:
            os.write(queue.call, struct.pack("=Q", 1))

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
        if size > LARGEST:
            raise PeerError(f"an access of {size} bytes")
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


def serve(device: Any, path: str) -> None:
    """Serve one guest at a socket until it goes, or until an interrupt from the keyboard."""
    words = f"start the kernel with virtio_uml.device={path}:{NUMBER}"
    carrier.serve(Server(device, path), words)
