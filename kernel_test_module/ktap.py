"""Read what a booted kernel said: KTAP by the tree's own parser, and whether it was silent else."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

SPLAT = re.compile(
    r"\bWARNING: (?!.*tainting)|\bBUG: |\bINFO: (possible|rcu|task|lockdep)|\bOops\b|"
    r"Kernel panic - not syncing|general protection fault|refcount_t: |ODEBUG: |"
    r"UBSAN: |suspicious RCU usage|possible recursive locking|possible circular locking"
)
"""What the kernel prints when one of its own checkers found something."""

EXPECTED = re.compile(r"imsgen: expect splat: (.+)$")
"""A test that provokes a splat says so in a KTAP diagnostic line, with text that stands in it."""


@dataclass(frozen=True)
class Suite:
    """Counts of one KUnit suite. A crashed case counts as failed; each parameter is a case."""

    name: str
    passed: int
    failed: int
    skipped: int
    errors: int
    """Faults of the output itself: lines missing, plans not kept."""
    failures: tuple[str, ...] = ()
    """The names of the failed cases."""

    @property
    def good(self) -> bool:
        """Whether the suite ran, whole, without a failure."""
        return self.failed == self.errors == 0 and self.passed + self.skipped > 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Ktap:
    """The result of one boot."""

    suites: tuple[Suite, ...]
    splats: tuple[str, ...]
    lines: tuple[str, ...]
    """The KTAP part of the log, without the time stamps in front."""
    complaints: tuple[str, ...] = ()
    """Faults above all suites: no KTAP at all, fewer suites than planned."""


IMPORTING = threading.Lock()
"""Modules of the kunit tool have the same names in each tree: one thread at a time has some."""


@contextlib.contextmanager
def tool_path(tree: Path) -> Iterator[None]:
    """Let Python import the kernel tree's own kunit tool, and leave no byte code there."""
    tool = str(tree / "tools" / "testing" / "kunit")
    keep = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.path.insert(0, tool)
    try:
        yield
    finally:
        sys.path.remove(tool)
        sys.dont_write_bytecode = keep


def parser_of(tree: Path) -> ModuleType:
    """The kunit_parser module of TREE, never one of another tree that was imported before."""
    for name in [name for name in sys.modules if name.startswith("kunit_")]:
        del sys.modules[name]
    with tool_path(tree):
        return importlib.import_module("kunit_parser")


def splats(log: str) -> tuple[str, ...]:
    """The lines in which a kernel checker complains, less those that a test announced."""
    found: list[str] = []
    announced: list[str] = []
    for line in log.splitlines():
        expected = EXPECTED.search(line)
        if expected:
            announced.append(expected[1].strip())
        elif SPLAT.search(line):
            known = next((text for text in announced if text in line), None)
            if known is None:
                found.append(line.strip())
            else:
                announced.remove(known)
    found.extend(f"announced, but did not come: {text}" for text in announced)
    return tuple(found)


def leaves(test: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each test without subtests below TEST, with its path."""
    if not test.subtests:
        yield path, test
    for subtest in test.subtests:
        yield from leaves(subtest, f"{path}.{subtest.name}" if path else subtest.name)


def suite_of(test: Any) -> Suite:
    """The counts of one parsed suite."""
    bad = tuple(
        path
        for path, leaf in leaves(test, test.name)
        if leaf.status.name not in ("SUCCESS", "SKIPPED")
    )
    counts = test.counts
    failed = counts.failed + counts.crashed
    # A suite's own "not ok" without a failed case (its init or exit failed) must not be lost.
    if not failed and not test.ok_status():
        failed, bad = 1, bad or (test.name,)
    return Suite(test.name, counts.passed, failed, counts.skipped, counts.errors, bad)


def parse(log: str, tree: Path) -> Ktap:
    """Parse the log of a boot with the parser in TREE. Never raises for a bad log."""
    clean = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line.rstrip()) for line in log.splitlines()]
    with IMPORTING:
        kunit = parser_of(tree)
        lines = tuple(_ktap_lines(kunit, clean))
        test, said = _run_tests(kunit, clean)
    suites = tuple(suite_of(suite) for suite in test.subtests)
    complaints = []
    inner = sum(suite.errors for suite in suites)
    if not suites:
        complaints.append("no KTAP in the log")
    elif test.counts.errors > inner:
        complaints.extend(
            line.split("[ERROR]", 1)[1].strip() for line in said.splitlines() if "[ERROR]" in line
        )
    return Ktap(suites, splats("\n".join(clean)), lines, tuple(complaints))


def _run_tests(kunit: ModuleType, log: list[str]) -> tuple[Any, str]:
    """What the parser makes of a log, and what it prints."""
    said = io.StringIO()
    printer = sys.modules["kunit_printer"].Printer(output=said)
    if "printer" in inspect.signature(kunit.parse_run_tests).parameters:
        return kunit.parse_run_tests(log, printer), said.getvalue()
    # The parser of 6.12 prints through an object of its module.
    kunit.stdout = printer  # type: ignore[attr-defined]
    return kunit.parse_run_tests(log), said.getvalue()


def _ktap_lines(kunit: ModuleType, log: list[str]) -> Iterator[str]:
    stream = kunit.extract_tap_lines(log)
    while stream:
        yield stream.pop()
