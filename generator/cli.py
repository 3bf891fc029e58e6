"""The command line.

Exit codes: 0; 1 for errors in the input, for output that can't be made, and for stale output;
2 for wrong usage.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Sequence

from . import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from imsgen.dsl.diagnostics import Diagnostic
    from imsgen.dsl.model import Device

    from .kernel.target import Target
    from .patches import Commit
    from .series import Planner

OK, FAILED, USAGE = 0, 1, 2

#: What standard input is called, in findings and in what is made: so no `<` and `>`.
STDIN = "stdin"

#: The subcommands.  All but `check` and `simulate` are modules of ``commands/``, each of which is
#: only loaded when it is called.
COMMANDS = {
    "check": "say what is wrong with layouts",
    "fmt": "write layouts in their one form",
    "new": "write a commented layout to start from",
    "explain": "say what the code of a finding means, with examples",
    "diff": "say what changes from one layout to another, and what breaks",
    "dump": "print what a layout says as JSON",
    "simulate": "say what the pools do on a large machine",
    "lsp": "be a language server for editors",
    "completions": "print the completions for a shell",
    "man": "print the man page",
}

#: File names that can stand in C comments, commands and commit messages as they are.
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


class Failure(Exception):
    """Ends the run with exit code 1; what there is to say was said, or is the text."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    if argv is not None:
        return _run(list(argv))
    # The process is over before looking for cycles could free anything worth it.
    gc.disable()
    try:
        return _run(sys.argv[1:])
    finally:
        gc.freeze()


def _run(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["check"]:
            return _check_files(_check_parser().parse_args(arguments[1:]))
        if arguments[:1] == ["simulate"]:
            return _simulate(arguments[1:])
        if arguments and arguments[0] in COMMANDS:
            return _command(arguments[0], arguments[1:])
        return _generate(_parse(arguments))
    except Failure as failure:
        if failure.args:
            _say(str(failure))
        return FAILED
    except BrokenPipeError:
        # The reader has seen enough.  Keep the interpreter from complaining at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return 130


# --- usage ------------------------------------------------------------------------------------


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    _check_usage(parser, options)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imsgen",
        usage="imsgen DEVICE.ims... [-o DIR | -o -] [options]\n       imsgen COMMAND ...",
        description="Make the kernel patch series for a device's interrupt message stores.",
        epilog="commands:\n"
        + "".join(f"  {name:12} {text}\n" for name, text in COMMANDS.items())
        + "\n`imsgen COMMAND --help` says more. A file named like a command is reached as ./NAME.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="DEVICE.ims",
        help="descriptions of devices; '-': standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        default=".",
        metavar="DIR",
        help="write DIR/<device>/*.patch (default: the current folder); "
        "'-': one mailbox for git am to standard output",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--tree", metavar="PATH", help="make the series for this kernel tree, and prove it there"
    )
    where.add_argument("--kernel", metavar="NAME", help="make it for an embedded kernel profile")
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing, say what on disk is not what would be made (exit code 1)",
    )
    parser.add_argument(
        "--diff", action="store_true", help="write nothing, show what would change as a diff"
    )
    parser.add_argument(
        "--sources",
        action="store_true",
        help="write DIR/<device>/<kernel>/ with series/, src/ and manifest.json",
    )
    parser.add_argument(
        "--signoff",
        metavar="IDENT",
        help="'Name <mail>': be the author of the patches and sign them off",
    )
    _add_folders(parser)
    parser.add_argument("--version", action="version", version=f"imsgen {__version__}")
    return parser


def _check_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imsgen check",
        description="Say what is wrong with descriptions of devices; make nothing.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="DEVICE.ims",
        help="descriptions of devices; '-': standard input",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json",
        dest="form",
        action="store_const",
        const="json",
        help="print the findings as JSON, and nothing else",
    )
    form.add_argument(
        "--sarif",
        dest="form",
        action="store_const",
        const="sarif",
        help="print them as SARIF 2.1.0, which code review systems read",
    )
    _add_folders(parser)
    return parser


def _add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-I",
        dest="folders",
        metavar="DIR",
        action="append",
        help="look for included files here too, beside the including file; several may be given",
    )


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

    args = parse(arguments, _add_folders)
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


def _generate(args: argparse.Namespace) -> int:
    loaded = _load(args.files, args.folders or ())
    from .kernel.edits import EditError
    from .kernel.proof import ProofError
    from .kernel.scripts import ScriptError
    from .kernel.target import TargetError
    from .names import NameClash, check_distinct
    from .patches import PatchError
    from .render import RenderError
    from .series import Planner, SeriesError

    try:
        check_distinct(device for device, _ in loaded)
        target = _target(args)
        planner = Planner(target)
        if args.output == "-":
            return _mailbox(planner, [device for device, _ in loaded], args.signoff)
        folders = _folders(planner, target, loaded, args)
    except (NameClash, TargetError, SeriesError, ProofError) as error:
        raise Failure(f"error: {error}") from error
    except (RenderError, ScriptError, PatchError, EditError) as error:
        raise Failure(f"error: the generator failed: {error}") from error
    return _store(folders, args)


def read_stdin() -> bytes:
    """What standard input holds; never more than can be right, since a pipe may have no end."""
    from imsgen.dsl import MAX_BYTES

    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _load(files: Sequence[str], folders: Sequence[str]) -> list[tuple[Device, bytes]]:
    """All devices of all files with the text of their file; all errors are reported first."""
    from imsgen.dsl import load

    if list(files).count("-") > 1:
        raise Failure("error: standard input can be read once only")
    out: list[tuple[Device, bytes]] = []
    failed = False
    for path in files:
        name = os.path.basename(path)
        try:
            if path == "-":
                path = name = STDIN
                text = read_stdin()
            else:
                with open(path, "rb") as file:
                    text = file.read()
        except OSError as error:
            _say(f"error: {path}: {error.strerror}")
            failed = True
            continue
        if not _SAFE_NAME.fullmatch(name):
            _say(
                f"error: {path!r}: the name stands in what is made, so it can have letters, "
                "digits and _ . + - only"
            )
            failed = True
            continue
        result = load(path, text, folders)
        _report(result.diagnostics)
        failed |= not result.ok
        out += [(device, text) for device in result.devices]
    if failed:
        raise Failure
    return out


def _target(args: argparse.Namespace) -> Target:
    from .kernel.target import DEFAULT, embedded, find_tree, probe

    if args.kernel is not None:
        return embedded(args.kernel)
    tree = args.tree if args.tree is not None else find_tree(os.getcwd())
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
    from . import emit

    try:
        if not (args.check or args.diff):
            results = emit.write(folders)
            for folder, result in results.items():
                changed = len(result.missing) + len(result.stale)
                print(f"{folder}: {changed} written, {len(result.fresh)} unchanged", end="")
                print(f", {len(result.extra)} removed" if result.extra else "")
            return OK
        stale = False
        for folder, wanted in folders.items():
            result = emit.compare(folder, wanted)
            stale |= not result.same
            if args.diff:
                sys.stdout.flush()
                text = emit.diff(folder, wanted, folder)
                sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
                sys.stdout.buffer.flush()
            if args.check:
                for word in ("missing", "stale", "extra"):
                    for name in getattr(result, word):
                        _say(f"{word}: {os.path.join(folder, name)}")
    except emit.EmitError as error:
        raise Failure(f"error: {error}") from error
    return FAILED if args.check and stale else OK


# --- talking ----------------------------------------------------------------------------------


def _say(text: str) -> None:
    print(f"imsgen: {text}", file=sys.stderr)


def _report(found: Sequence[Diagnostic]) -> None:
    if not found:
        return
    from imsgen.dsl.diagnostics import render

    text = render(found)
    if not _colourful():
        sys.stderr.write(text)
        return
    from rich.console import Console
    from rich.text import Text

    coloured = Text(text, end="")
    coloured.highlight_regex(r"(?m)^\S+:\d+:\d+: error\[\w+\]", "bold red")
    coloured.highlight_regex(r"(?m)^\S+:\d+:\d+: warning\[\w+\]", "bold yellow")
    coloured.highlight_regex(r"(?m)^ *\| +\^+.*$", "red")
    coloured.highlight_regex(r"(?m)^ *\| +-+.*$", "blue")
    coloured.highlight_regex(r"(?m)^ *= help:.*$", "cyan")
    Console(stderr=True, soft_wrap=True).print(coloured, end="")


def _colourful() -> bool:
    return (
        sys.stderr.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "dumb") != "dumb"
    )


if __name__ == "__main__":
    # The subcommands know this module by its name: there is one Failure only.
    from imsgen.generator.cli import main as run

    raise SystemExit(run())
