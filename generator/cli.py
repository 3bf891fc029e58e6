"""The command line.

Exit codes: 0; 1 for errors in the input, for output that can't be made, and for stale output;
2 for wrong usage.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from . import __version__
from .arguments import COMMANDS, check_parser, main_parser
from .terminal import FAILED, OK, STDIN, Failure, read_stdin, report, say, wrong_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from imsgen.dsl.diagnostics import Diagnostic
    from imsgen.dsl.model import Device

    from .kernel.target import Target
    from .patches import Commit
    from .series import Planner


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    if argv is not None:
        return _run(list(argv))
    # The process is over before looking for cycles could free anything worth it.
    gc.disable()
    try:
        from . import process

        return process.run(_run, sys.argv[1:])
    except KeyboardInterrupt:
        return 130
    finally:
        gc.freeze()


def _run(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["check"]:
            return _check_files(check_parser().parse_args(arguments[1:]))
        if arguments[:1] == ["simulate"]:
            return _simulate(arguments[1:])
        if arguments and arguments[0] in COMMANDS:
            return _command(arguments[0], arguments[1:])
        return _to_git(_parse(arguments))
    except Failure as failure:
        if failure.args:
            say(str(failure))
        return FAILED


# --- usage ------------------------------------------------------------------------------------


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = main_parser()
    options = parser.parse_args(arguments)
    _check_usage(parser, options)
    return options


def _check_usage(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    if args.output == "-" and (args.check or args.diff or args.sources):
        parser.error("-o - goes with none of --check, --diff, --sources")
    if not args.output:
        parser.error("-o needs a folder or '-'")
    if args.signoff is not None:
        from .patches import PatchError, parse_ident

        try:
            args.signoff = parse_ident(args.signoff)
        except PatchError as error:
            parser.error(f"--signoff: {error}")
    if args.kernel is not None:
        from .kernel.target import profiles

        if args.kernel not in profiles():
            parser.error(f"--kernel: no {args.kernel!r}, there is {', '.join(profiles())}")


# --- commands ---------------------------------------------------------------------------------


def _command(name: str, arguments: list[str]) -> int:
    from importlib import import_module

    command = import_module(f"{__package__}.commands.{name}")
    code: int = command.run(command.parser().parse_args(arguments))
    return code


def _check_files(args: argparse.Namespace) -> int:
    if args.form is None:
        _load(args.files, args.folders or ())
        return OK
    from .commands.check import run

    return run(args)


def _simulate(arguments: Sequence[str]) -> int:
    from .simulator.cli import SimulationError, parse, run

    args = parse(arguments)
    devices = [device for device, _ in _load([args.file], args.folders or ())]
    try:
        run(devices, args)
    except SimulationError as error:
        raise Failure(f"error: {error}") from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"error: standard output: {error.strerror}") from error
    return OK


def _to_git(args: argparse.Namespace) -> int:
    """As :func:`_generate`; a pipe to ``git am``, which takes nothing for success, gets a line."""
    try:
        return _generate(args)
    except Failure:
        if args.output == "-":
            # Past Python's buffers: what they hold may not be written.
            with suppress(OSError):
                if not os.isatty(1):
                    os.write(1, b"imsgen made no series\n")
        raise


def _generate(args: argparse.Namespace) -> int:
    loaded = _load(args.files, args.folders or ())
    from .kernel.edits import EditError
    from .kernel.proof import ProofError
    from .kernel.scripts import ScriptError
    from .kernel.target import TargetError
    from .names import NameClash, check_distinct
    from .patches import PatchError
    from .render import RenderError
    from .series import NamesTaken, Planner, SeriesError

    try:
        check_distinct(device for device, _ in loaded)
        target = _target(args)
        planner = Planner(target)
        if args.output == "-":
            return _mailbox(planner, [device for device, _ in loaded], args.signoff)
        folders = _folders(planner, target, loaded, args)
    except NamesTaken as taken:
        report(taken.findings)
        raise Failure from taken
    except (NameClash, TargetError, SeriesError, ProofError) as error:
        raise Failure(f"error: {error}") from error
    except (RenderError, ScriptError, PatchError, EditError) as error:
        raise Failure(f"error: the generator failed: {error}") from error
    return _store(folders, args)


def _load(files: Sequence[str], folders: Sequence[str]) -> list[tuple[Device, bytes]]:
    """All devices of all files with the text of their file; all errors are reported first."""
    from imsgen.dsl import MAX_BYTES, bounded, load

    if list(files).count("-") > 1:
        raise Failure("error: standard input can be read once only")
    out: list[tuple[Device, bytes]] = []
    found: list[Diagnostic] = []
    failed = False
    for path in files:
        try:
            if path == "-":
                path = STDIN
                text = read_stdin()
            else:
                text = bounded.read(path, MAX_BYTES)
        except OSError as error:
            say(f"error: {path}: {error.strerror}")
            failed = True
            continue
        if wrong := wrong_name(path):
            say(wrong)
            failed = True
            continue
        result = load(path, text, folders)
        found += result.diagnostics
        failed |= not result.ok
        out += [(device, text) for device in result.devices]
    report(found)
    if failed:
        raise Failure
    return out


def _target(args: argparse.Namespace) -> Target:
    from .kernel.target import DEFAULT, embedded, find_tree, probe

    if args.kernel is not None:
        return embedded(args.kernel)
    tree = args.tree if args.tree is not None else find_tree(".")
    return embedded(DEFAULT) if tree is None else probe(tree)


def _mailbox(planner: Planner, devices: Sequence[Device], signoff: str | None) -> int:
    from .patches import mbox

    commits = planner.series(devices).commits
    _prove(planner.target, commits)
    text = mbox(commits, __version__, signoff)
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"error: standard output: {error.strerror}") from error
    return OK


def _prove(target: Target, commits: Sequence[Commit]) -> None:
    """Have git apply what was made, where the tree is a repository."""
    from .kernel.proof import is_repository, prove

    if target.tree is not None and is_repository(target.tree):
        prove(target.tree, commits)


def _folders(
    planner: Planner,
    target: Target,
    loaded: Sequence[tuple[Device, bytes]],
    args: argparse.Namespace,
) -> dict[str, dict[str, str]]:
    """For each device its folder and what belongs into it: each series applies alone."""
    from .series import series_files, sha256, source_files

    out = {}
    for device, text in loaded:
        series = planner.series([device])
        _prove(target, series.commits)
        folder = os.path.join(args.output, device.name)
        if args.sources:
            folder = os.path.join(folder, target.name)
            out[folder] = source_files(series, device, target, sha256(text), args.signoff)
        else:
            out[folder] = series_files(series, args.signoff)
    return out


def _store(folders: dict[str, dict[str, str]], args: argparse.Namespace) -> int:
    from imsgen.dsl.diagnostics import printable

    from . import emit

    try:
        if not (args.check or args.diff):
            results = emit.write(folders, args.output)
            for folder, result in results.items():
                changed = len(result.missing) + len(result.stale)
                shown = printable(folder)
                print(f"{shown}: {changed} written, {len(result.fresh)} unchanged", end="")
                print(f", {len(result.extra)} removed" if result.extra else "")
            return OK
        stale = False
        for folder, wanted in folders.items():
            result = emit.compare(folder, wanted, args.output)
            stale |= not result.same
            if args.diff:
                sys.stdout.flush()
                text = emit.diff(folder, wanted, folder, args.output)
                sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
                sys.stdout.buffer.flush()
            if args.check:
                for word in ("missing", "stale", "extra"):
                    for name in getattr(result, word):
                        say(f"{word}: {os.path.join(folder, name)}")
    except emit.EmitError as error:
        raise Failure(f"error: {error}") from error
    return FAILED if args.check and stale else OK


if __name__ == "__main__":
    raise SystemExit(main())
