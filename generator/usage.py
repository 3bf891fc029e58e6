"""The command line's parser, whose complaints can be printed whatever the arguments are."""

from __future__ import annotations

import argparse
import sys
from typing import IO, Any, NoReturn

from imsgen.dsl.diagnostics import printable


class Parser(argparse.ArgumentParser):
    """As argparse's, which shows unknown arguments as they are, and hides a full output."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments."""
        try:
            super().error(printable(message))
        except OSError:
            self.exit(2)

    def _print_message(self, message: str, file: Any = None) -> None:
        out: IO[str] = file or sys.stderr
        out.write(message)
