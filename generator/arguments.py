"""What the command line takes: the commands' names, and the parsers of the two in ``cli.py``."""

from __future__ import annotations

import argparse

from . import __version__
from .terminal import Parser, add_folders

#: The subcommands.  All but `check` and `simulate` are modules of ``commands/``, each of which is
#: only loaded when it is called.
COMMANDS = {
    "check": "say what is wrong with layouts",
    "fmt": "write layouts in their one form",
    "new": "write a commented layout to start from",
    "skeleton": "write a driver to start from",
    "model": "write a model of the device: Python that is the device",
    "run": "have a driver meet the model of its device in a booted kernel",
    "update": "make the series from what a tree has to what a layout says now",
    "drgn": "print a drgn script that shows a device's live vectors",
    "doctor": "lead a log about generated code back to lines of the layout",
    "explain": "say what the code of a finding means, with examples",
    "diff": "say what changes from one layout to another, and what breaks",
    "show": "show a layout as tables, as a picture or as a page",
    "dump": "print what a layout says as JSON",
    "simulate": "say what the pools do on a large machine",
    "lsp": "be a language server for editors",
    "completions": "print the completions for a shell",
    "man": "print the man page",
}


def main_parser() -> argparse.ArgumentParser:
    """Of the command without a name, which makes patch series."""
    parser = Parser(
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
    add_folders(parser)
    parser.add_argument("--version", action="version", version=f"imsgen {__version__}")
    return parser


def check_parser() -> argparse.ArgumentParser:
    """Of ``imsgen check``."""
    parser = Parser(
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
    add_folders(parser)
    return parser
