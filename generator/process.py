"""The process around a run: streams that are closed or full, and signals that end it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence

from .terminal import FAILED, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import TextIO


class Stopped(BaseException):
    """A signal asks the process to end; it does so when what it is writing is complete."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(command: Callable[[list[str]], int], arguments: Sequence[str]) -> int:
    """Run a command to its exit code, whatever happens to its streams.  Never a traceback."""
    code = FAILED
    try:
        try:
            code = _run(command, list(arguments))
        finally:
            # Too late to stop anything, but not for a traceback.
            _signals(signal.SIG_IGN)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except Stopped as stopped:
        code = 128 + stopped.number
    _signals(signal.SIG_IGN)
    _close(sys.stdout)
    _close(sys.stderr)
    return code


def _run(command: Callable[[list[str]], int], arguments: list[str]) -> int:
    _open_streams()
    _signals(_stop)
    try:
        try:
            code = command(arguments)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else FAILED
        sys.stdout.flush()
    except BrokenPipeError:
        return FAILED  # the reader has seen enough
    except OSError as error:
        say(f"error: {error.filename or 'standard output'}: {error.strerror}")
        return FAILED
    return code


def _stop(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Stopped(number)


def _signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Who ignores a signal (nohup) goes on doing so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _open_streams() -> None:
    """Have something behind each of the three, or the next file that is opened would be one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Writing to standard output has to fail: nobody would get what is written.
            os.open(os.devnull, os.O_RDONLY if number < 2 else os.O_WRONLY)
    # Python has none of them where it found nothing open.
    streams: list[tuple[str, int]] = [("stdout", 1), ("stderr", 2)]
    for name, number in streams:
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            new = os.fdopen(number, "w", errors="backslashreplace", closefd=False)
            setattr(sys, name, new)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _close(stream: TextIO) -> None:
    """Keep the interpreter from complaining at its exit of what can't be written."""
    try:
        stream.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
