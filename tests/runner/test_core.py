"""A core's table against the driver's words, without a kernel."""

from __future__ import annotations

import json
import re
import socket
import threading
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.generator.commands.drgn import text_of
from imsgen.kernel_test_module import boot, build, core, e2e, host
from imsgen.kernel_test_module.report import Report
from imsgen.kernel_test_module.stages import Place

REPOSITORY = Path(__file__).resolve().parents[2]

LOG = """\
[    3.1]     # x: core: {"name": "command", "kind": "special", "store": "table", "index": 0, \
"irq": 26, "cpu": 2}
[    3.1]     # x: core: {"name": "port", "entry": 3, "kind": "shared", "store": "ims", \
"index": 5, "irq": 30, "cpu": 1, "users": 4}
[    3.1]     # x: core: {"name": "port", "entry": 4, "kind": "dedicated", "store": "table", \
"index": 2, "irq": 31, "cpu": 0, "users": 1}
[    3.2]     # x: core: ready
"""

TABLE = """\
struct rocker_irqs at 0xffff888001234000: 0000:00:04.0
  VECTOR                   STORE             INDEX    IRQ       CPUS  USERS
  command                  table                 0     26          2  special
  pool port: 2 vectors, 1 shared
  port[3]                  ims                   5     30          1  4 users
  port[4]                  table                 2     31          0  dedicated
"""


def test_both_say_the_same() -> None:
    rows = core.said(LOG)
    assert rows[1] == ("port[3]", "ims", 5, 30, "1", "4 users")
    assert core.printed(TABLE) == rows
    assert core.differences(rows, core.printed(TABLE)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("ims   ", "table "), ("  31", "  32"), ("1  4", "3  4"), ("4 users", "3 users")],
)
def test_each_word_counts(old: str, new: str) -> None:
    table = TABLE.replace(old, new)
    assert table != TABLE
    found = core.differences(core.said(LOG), core.printed(table))
    assert len(found) == 2 and "driver alone" in found[0] and "script alone" in found[1]


def test_more_or_nothing() -> None:
    rows = core.said(LOG)
    assert core.differences(rows, rows[:2]) == [f"the driver alone has {rows[2]}"]
    assert core.differences(rows, [*rows, rows[0]]) == ["3 vectors of the driver, 4 of the script"]
    assert core.differences([], []) == ["the driver said nothing"]


def test_rows_are_as_the_script_prints_them() -> None:
    (device,) = load(str(REPOSITORY / f"examples/{core.DEVICE}.ims")).devices
    (line,) = re.findall(r"^    print\((f\"  \{name:24\}.*)\)$", text_of(device), re.MULTILINE)
    values = {"name": "port[3]", "store": "ims", "index": 5, "irq": 30, "users": "4 users"}
    shown = eval(line, values | {"cpus": lambda irq: "1"})
    assert core.printed(shown) == [("port[3]", "ims", 5, 30, "1", "4 users")]


def test_the_driver_says_what_is_read() -> None:
    text = (e2e.SOURCES / "rocker_kunit.c").read_text()
    assert text.count('"core: {') == 2 and f'"{core.READY}' in text
    for name in ("name", "entry", "kind", "store", "index", "irq", "cpu", "users"):
        assert f'\\"{name}\\"' in text


def qemu(path: Path, answers: list[dict[str, object]]) -> threading.Thread:
    """Something that answers as QEMU does."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def serve() -> None:
        with server, server.accept()[0] as peer, peer.makefile("rw") as lines:
            for answer in answers:
                lines.write(json.dumps(answer) + "\n")
                lines.flush()
                if "event" not in answer:
                    peer.recv(1000)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_events_are_no_answers(tmp_path: Path) -> None:
    path = tmp_path / "monitor"
    thread = qemu(path, [{"QMP": {}}, {"return": {}}, {"event": "STOP"}, {"return": {}}])
    core.Monitor(path, limit=10).command("dump-guest-memory", paging=False, protocol="file:x")
    thread.join(10)


def test_what_qemu_cannot_do(tmp_path: Path) -> None:
    path = tmp_path / "monitor"
    answers = [{"QMP": {}}, {"return": {}}, {"error": {"desc": "No space"}}]
    thread = qemu(path, answers)
    with pytest.raises(host.StageError, match="No space"):
        core.Monitor(path, limit=10).command("dump-guest-memory")
    thread.join(10)


def test_without_drgn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    built = build.Build(tmp_path, tmp_path, "x86_64", label="x")
    report = Report()
    core.run(Place(tmp_path), built, boot.BARE, "*", report)
    assert report.skips == ["x imsgen drgn: needs drgn: pip install drgn"]


def test_a_boot_that_ends_early(tmp_path: Path) -> None:
    over = threading.Event()
    over.set()
    assert not core.dump(tmp_path / "monitor", tmp_path / "log", tmp_path / "core", over)
