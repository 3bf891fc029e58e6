"""What the subcommands share: reading, findings, parsers, and files that change as a whole."""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress

from imsgen.dsl import Result, load
from imsgen.dsl.model import Device

from ..terminal import STDIN, Failure, Parser, add_folders, read_stdin, report, wrong_name


def new_parser(command: str, description: str, **more: str) -> argparse.ArgumentParser:
    """The parser of a subcommand."""
    return Parser(
        prog=f"imsgen {command}", description=description, allow_abbrev=False, **more  # type: ignore[arg-type]
    )


def add_input(parser: argparse.ArgumentParser, many: bool) -> None:
    """One layout to read or several, and where what they include is looked for."""
    if many:
        parser.add_argument(
            "files", nargs="+", metavar="DEVICE.ims", help="layouts; '-': standard input"
        )
    else:
        parser.add_argument("file", metavar="DEVICE.ims", help="a layout; '-': standard input")
    add_folders(parser)


def read(path: str) -> tuple[str, bytes | None]:
    """What a file is called, and what it holds where it isn't read by its name."""
    if path != "-":
        return path, None
    return STDIN, read_stdin()


def load_all(paths: Sequence[str], folders: Sequence[str]) -> list[Result]:
    """What each file gives, errors and all.  Nothing is said about them yet."""
    check_once(paths)
    out = []
    for path in paths:
        name, text = read(path)
        out.append(load(name, text, folders))
    return out


def check_once(paths: Sequence[str]) -> None:
    """Standard input can be read once.  Raises :class:`Failure`."""
    if list(paths).count("-") > 1:
        raise Failure("error: standard input can be read once only")


def check_apart(read_from: Sequence[str], written: Sequence[str]) -> None:
    """No file that is written is one that is read, or another one.  Raises :class:`Failure`."""
    seen = {os.path.realpath(path) for path in read_from}
    for path in written:
        real = os.path.realpath(path)
        if real in seen:
            raise Failure(f"error: {path} would be overwritten: it is named twice")
        seen.add(real)


def load_good(paths: Sequence[str], folders: Sequence[str]) -> list[Result]:
    """What each file gives.  Raises :class:`Failure` where one has errors, which have been said."""
    results = load_all(paths, folders)
    report([found for one in results if not one.ok for found in one.diagnostics])
    if not all(result.ok for result in results):
        raise Failure
    return results


def load_named(paths: Sequence[str], folders: Sequence[str]) -> list[Result]:
    """As :func:`load_good`, of files whose names stand in what is made."""
    for path in paths:
        if path != "-" and (wrong := wrong_name(path)):
            raise Failure(wrong)
    return load_good(paths, folders)


def refuse_platform(device: Device, what: str) -> None:
    """Raise :class:`Failure` for a platform device: ``what`` is made for PCI functions only."""
    if device.is_platform:
        raise Failure(
            f"error: {device.span.source.name}:{device.span.line}: {device.name} is a platform "
            f"device, and {what} is of PCI functions only"
        )


def put(text: str) -> None:
    """To standard output, as UTF-8.  Raises :class:`Failure` where that can't be."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"error: standard output: {error.strerror}") from error


def put_json(value: object) -> None:
    """As JSON to standard output: indented, keys in the order they have, nothing but ASCII."""
    put(json.dumps(value, indent=2) + "\n")


def replace(path: str, text: str) -> None:
    """Make a file that is there hold ``text``, all of it or, if that fails, none.

    Links and permissions stay as they are.  Raises :class:`Failure`.
    """
    real = os.path.realpath(path)
    beside = f"{real}.{os.getpid()}.tmp"
    try:
        mode = os.stat(real).st_mode & 0o7777
        try:
            with open(beside, "x", encoding="utf-8", newline="\n") as file:
                os.chmod(beside, mode)
                file.write(text)
            os.replace(beside, real)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as error:
        raise Failure(f"error: {path}: {error.strerror}") from error


def store(path: str, content: bytes) -> None:
    """Make a file hold ``content``, all of it or what it held before.

    Raises :class:`OSError`, of the file and not of what is beside it for a moment.
    """
    try:
        # To take the place of a device, as /dev/null, would be wrong.
        if os.path.exists(path) and not os.path.isdir(path) and not os.path.isfile(path):
            raise OSError(errno.EINVAL, "not a regular file")
        _store(path, content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def _store(path: str, content: bytes) -> None:
    handle, draft = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".imsgen-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(draft, 0o666 & ~_umask())
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
