"""Boot a kernel, under User Mode Linux here, and talk to the one program in it."""

from __future__ import annotations

import os
import select
import selectors
import shlex
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from .kernel import stop
from .uml import NUMBER

#: MiB of memory that a guest has.
MEMORY = 128

#: Lines of the console that are shown when a guest fails.
TAIL = 15


class GuestError(Exception):
    """The guest does not answer; the text says what its console said last."""


class Guest:
    """A running guest.  ``home`` is where its console goes: ``console.log``.

    With ``debug``, the name of a driver's file, gdb has it, and stops in its probe function.  gdb
    has the terminal, and nothing is waited for in vain.
    """

    #: Where the device is, the only one that matters.
    address = "0000:00:00.0"
    cpus = 1
    #: Seconds that it may take to come up.
    boot = 60.0
    #: Whether the data of a message is the number of its interrupt, and no edges merge.
    numbered = True

    def __init__(
        self, image: Path, initrd: Path, socket: str, home: Path, debug: str | None = None
    ) -> None:
        self.log = home / "console.log"
        self.patient = debug is not None
        # Two pipes are the terminal of its program; what the kernel says goes elsewhere.
        theirs_in, self._in = os.pipe()
        self._out, theirs_out = os.pipe()
        command = self.command(image, initrd, socket, theirs_in, theirs_out)
        self.log.write_bytes(b"")
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                command if debug is None else _debugger(command, self.log, home, debug),
                stdin=subprocess.DEVNULL if debug is None else None,
                stdout=log if debug is None else None,
                stderr=log if debug is None else None,
                env=self.environment(home),
                pass_fds=(theirs_in, theirs_out),
                # The foreground is gdb's, if there is one.
                start_new_session=debug is None,
            )
        os.close(theirs_in)
        os.close(theirs_out)
        self._said = b""
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._out, selectors.EVENT_READ)

    def command(
        self, image: Path, initrd: Path, socket: str, terminal_in: int, terminal_out: int
    ) -> list[str]:
        """What starts it; the files of its terminal are numbers of open ones."""
        return [
            str(image),
            f"mem={MEMORY}M",
            f"initrd={initrd}",
            f"virtio_uml.device={socket}:{NUMBER}",
            "con=null",
            "con0=null,fd:1",
            f"con1=fd:{terminal_in},fd:{terminal_out}",
            "panic=-1",
            # A busy machine answers late: that is no fault of the guest.
            "virt_pci.max_delay_us=10000000",
        ]

    def environment(self, home: Path) -> dict[str, str]:
        """The environment of that command."""
        env = {**os.environ, "LC_ALL": "C"}
        # Its memory is a file, below /dev/shm where that has room.
        shm = Path("/dev/shm")
        if not shm.is_dir() or shutil.disk_usage(shm).free < MEMORY << 20:
            env["TMPDIR"] = str(home)
        return env

    def wait(self, limit: float) -> None:
        """Until its program is there; ``limit`` in seconds.  Raises :class:`GuestError`."""
        self._answer(limit, "it did not come up")

    def ask(self, command: str, limit: float = 30) -> str:
        """What the program answers.  Raises :class:`GuestError`, and :class:`OSError` where the
        kernel gave an error."""
        try:
            os.write(self._in, command.encode() + b"\n")
        except BrokenPipeError as error:
            raise GuestError(self._last("it has ended")) from error
        text, code = self._answer(limit, f"no answer to {command!r} within {limit:g} s")
        if code:
            raise OSError(code, os.strerror(code), command)
        return text

    def read(self, path: str) -> str:
        """The text of a file."""
        return self.ask(f"r {path}")

    def list(self, path: str) -> list[str]:
        """The names in a folder, empty if there is none."""
        try:
            return self.ask(f"l {path}").split()
        except OSError:
            return []

    def write(self, path: str, text: str, limit: float = 30) -> None:
        """Write a file of the kernel's."""
        self.ask(f"w {path} {text}", limit)

    def console(self) -> str:
        """All that the kernel has said."""
        return self.log.read_text(errors="replace").replace("\r", "")

    def stop(self) -> None:
        """End it, and everything it has started."""
        self._ready.close()
        os.close(self._in)
        if self.patient:
            # A guest without a terminal ends itself; gdb ends what it has started.
            end = time.monotonic() + 10
            while select.select([self._out], [], [], max(0.0, end - time.monotonic()))[0]:
                if not os.read(self._out, 65536):
                    break
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()
            self._process.wait()
        else:
            stop(self._process)
        os.close(self._out)

    def _answer(self, limit: float, what: str) -> tuple[str, int]:
        end = time.monotonic() + limit
        while True:
            lines = self._said.split(b"\n")
            for number, line in enumerate(lines[:-1]):
                if line.startswith(b"@@ "):
                    self._said = b"\n".join(lines[number + 1 :])
                    said = b"\n".join(lines[:number]).decode(errors="replace")
                    return said, int(line.split()[1])
            left = None if self.patient else max(0.0, end - time.monotonic())
            if not self._ready.select(left):
                raise GuestError(self._last(what))
            part = os.read(self._out, 65536)
            if not part:
                raise GuestError(self._last("it has ended"))
            self._said += part

    def _last(self, what: str) -> str:
        lines = self.console().splitlines()
        panic = next((line for line in lines if "Kernel panic - not syncing" in line), "")
        return "\n".join([f"the guest: {what}", *([panic] if panic else []), *lines[-TAIL:]])


def _debugger(command: list[str], log: Path, home: Path, file: str) -> list[str]:
    """gdb with a guest; ``file`` is that of the driver."""
    script = home / "gdb"
    # Signals are the guest's interrupts and page faults.
    script.write_text(f"""\
set confirm off
set pagination off
set width 0
set style enabled off
handle SIGSEGV SIGUSR1 SIGUSR2 SIGIO SIGALRM SIGWINCH SIGCHLD nostop noprint pass
rbreak {os.path.basename(file)}:.*probe
run {shlex.join(command[1:])} </dev/null >{shlex.quote(str(log))} 2>&1
""")
    return ["gdb", "-q", "-nx", "-x", str(script), command[0]]
