"""What a run has found, for other programs: JUnit and KTAP."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from .checks import Result


def junit(device: str, results: Sequence[Result], seconds: float) -> str:
    """A file as JUnit has it: a suite named like the device, and a case for each check."""
    failed = str(sum(not result.good for result in results))
    counts = {"tests": str(len(results)), "failures": failed, "errors": "0", "skipped": "0"}
    suite = ElementTree.Element("testsuite", {"name": device, "time": f"{seconds:.1f}", **counts})
    for result in results:
        case = ElementTree.SubElement(suite, "testcase", classname=device, name=result.name)
        # What is no character of XML 1.0 would make it none.
        text = re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", result.text)
        if result.good:
            ElementTree.SubElement(case, "system-out").text = text
        else:
            first = text.partition("\n")[0]
            ElementTree.SubElement(case, "failure", message=first).text = text
    top = ElementTree.Element("testsuites", counts)
    top.append(suite)
    ElementTree.indent(top)
    return "<?xml version='1.0' encoding='UTF-8'?>\n" + ElementTree.tostring(top, "unicode") + "\n"


def ktap(device: str, results: Sequence[Result]) -> str:
    """As a kernel's tests write it: one test with a subtest for each check."""
    lines = ["KTAP version 1", "1..1", "    KTAP version 1", f"    # Subtest: {device}"]
    lines.append(f"    1..{len(results)}")
    for number, result in enumerate(results, 1):
        lines += [f"    # {result.name}: {line}" for line in result.text.splitlines()]
        lines.append(f"    {_verdict(result.good)} {number} {result.name}")
    return "\n".join([*lines, f"{_verdict(all(r.good for r in results))} 1 {device}"]) + "\n"


def _verdict(good: bool) -> str:
    return "ok" if good else "not ok"
