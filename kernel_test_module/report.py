"""Counts of everything that was checked, the closing line, and the files in build/results."""

from __future__ import annotations

import json
import os
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import host


@dataclass(frozen=True)
class Counts:
    """Numbers of checks."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def line(self) -> str:
        """The closing line of a run."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def junit(text: str) -> Counts:
    """The counts in a JUnit XML file, as pytest writes it. A broken collection is a failure."""
    total = Counts()
    for suite in ElementTree.fromstring(text).iter("testsuite"):
        number = {
            key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")
        }
        failed = number["failures"] + number["errors"]
        passed = max(0, number["tests"] - failed - number["skipped"])
        total += Counts(passed, failed, number["skipped"])
    return total


def kept(path: Path | None) -> Report | None:
    """What a stage has reported that passed; None if there is no such file, or nothing in it."""
    try:
        then = json.loads(path.read_text()) if path else None
    except (OSError, ValueError):
        return None
    return (
        Report(Counts(**then["counts"]), boots=then["boots"], checks=then["checks"])
        if then
        else None
    )


@dataclass
class Report:
    """What a run has found so far. Failures are printed when they come, and again at the end."""

    counts: Counts = field(default_factory=Counts)
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)
    boots: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    """Seconds of wall time, by stages"""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Stages of several kernels may report at the same time"""

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """How long a stage takes, for the closing lines."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.times[name] = self.times.get(name, 0) + time.monotonic() - begin

    def add(self, counts: Counts) -> None:
        """Add the counts of a tool that printed its own results."""
        with self.lock:
            self.counts += counts

    def check(self, name: str, faults: Iterable[str] = ()) -> bool:
        """One check: passed if there are no FAULTS. Returns whether it passed."""
        lines = list(faults)
        self.checks[name] = "failed" if lines else "passed"
        if lines:
            self.add(Counts(failed=1))
            self.failures.append(name)
            more = [f"    ... and {len(lines) - 30} more"] if len(lines) > 30 else []
            host.say("\n".join([f"FAIL {name}", *(f"    {line}" for line in lines[:30]), *more]))
            return False
        self.add(Counts(passed=1))
        host.say(f"ok   {name}")
        return True

    def skip(self, name: str, why: str) -> None:
        """One check that could not be made here; said loudly."""
        self.checks[name] = "skipped"
        self.add(Counts(skipped=1))
        self.skips.append(f"{name}: {why}")
        host.say(f"SKIP {name}: {why}")

    def join(self, other: Report) -> None:
        """Take over what a part of the run has found."""
        self.add(other.counts)
        self.failures += other.failures
        self.skips += other.skips
        self.boots |= other.boots
        self.checks |= other.checks
        self.times |= other.times

    def once(
        self, name: str, proof: Callable[[], Path | None], make: Callable[[Report], object]
    ) -> None:
        """What MAKE reports. Where nothing failed and no check had to be skipped, the file that
        PROOF names is written, and with that no run makes it again; the counts are those of then.

        It is named again behind MAKE: whoever changes something meanwhile has proved nothing.
        """
        path = proof()
        then = kept(path)
        if then:
            self.join(then)
            host.say(f"ok   {name}, as before: {then.counts.line()}")
            return
        own = Report()
        try:
            make(own)
        finally:
            self.join(own)
        good = own.counts.passed and not (own.counts.failed or own.failures or own.skips)
        if path and good and proof() == path:
            content = {"counts": asdict(own.counts), "boots": own.boots, "checks": own.checks}
            path.parent.mkdir(parents=True, exist_ok=True)
            # As a whole or not at all, whoever else writes it or stops this run
            part = path.with_name(f"{path.name}.{os.getpid()}")
            part.write_text(json.dumps(content))
            part.replace(path)

    def save(self, results: Path) -> None:
        """Write summary.json: no times and no paths, so that equal runs give equal files."""
        results.mkdir(parents=True, exist_ok=True)
        content = {
            "passed": self.counts.passed,
            "failed": self.counts.failed,
            "skipped": self.counts.skipped,
            "boots": self.boots,
            "checks": self.checks,
        }
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
        (results / "summary.json").write_text(text)

    def close(self) -> int:
        """Print where the time went, what failed and was skipped, then the closing line.

        Returns the exit code.
        """
        for name, seconds in self.times.items():
            host.say(f"{seconds:6.0f} s  {name}")
        for text in self.skips:
            host.say(f"SKIPPED: {text}")
        for text in self.failures:
            host.say(f"FAILED: {text}")
        host.say(self.counts.line())
        return 1 if self.counts.failed or not self.counts.passed else 0
