"""Logs of compilers and kernels lead to lines of the layout.

The logs are real ones of idxd's code, broken by hand or by a seeded fault; only paths were cut.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import EXAMPLES, REPOSITORY

LOGS = REPOSITORY / "tests" / "logs"
IDXD = EXAMPLES / "idxd.ims"

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

#: What each log is about, in the order of its lines.
FOUND = {
    "checkpatch": ["data"],
    "kunit": ["ims", "queue"],
    "layout": ["ims"],
    "linker": ["idxd"],
    "member-gone": ["queue"],
    "register": ["ims", "data"],
    "sparse": ["ims", "control"],
    "special": ["misc"],
    "splat": ["queue"],
    "suite": ["queue"],
    "unused": ["ims"],
    "wrong-function": ["queue"],
}


def places(text: str) -> list[tuple[str, str]]:
    """Names, and the lines of the layout that are said to have them."""
    lines = IDXD.read_text().split("\n")
    made = []
    for lead in text.splitlines():
        place, name, _ = lead.split("`", 2)
        _, line, column, _ = place.rsplit(":", 3)
        made.append((name, lines[int(line) - 1][int(column) - 1 :]))
    return made


def test_there_is_no_other_log() -> None:
    assert {path.stem for path in LOGS.iterdir()} == set(FOUND)


@pytest.mark.parametrize("name", FOUND)
def test_a_log(name: str, imsgen: Run, capfd: Capture) -> None:
    assert imsgen("doctor", IDXD, LOGS / f"{name}.log") == 0
    found = places(capfd.readouterr().out)
    assert list(dict.fromkeys(name for name, _ in found)) == FOUND[name]
    for name, rest in found:
        assert rest.startswith(name)


def test_a_log_of_something_else(imsgen: Run, capfd: Capture, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("drivers/dma/idxdlike.c:3:1: error: queue\n")
    assert imsgen("doctor", IDXD, log) == 1
    out, err = capfd.readouterr()
    assert not out and "nothing is about the code that is made of idxd" in err
    assert imsgen("doctor", IDXD, tmp_path / "no") == 1
    assert imsgen("doctor", "-", "-") == 1


def test_lines_that_there_are_not(imsgen: Run, capfd: Capture, tmp_path: Path) -> None:
    """Of an older layout."""
    log = tmp_path / "log"
    log.write_text("drivers/irqchip/irq-idxd.c:0: x\ndrivers/irqchip/irq-idxd.c:99999: x\n")
    assert imsgen("doctor", IDXD, log) == 0
    assert all(name == "idxd" for name, _ in places(capfd.readouterr().out))


def test_what_a_terminal_can_have(imsgen: Run, capfd: Capture, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("idxd_queue_get: \x1b[31m\u202e::add-mask::\n")
    assert imsgen("doctor", IDXD, log) == 0
    out = capfd.readouterr().out
    assert "\x1b" not in out and "\u202e" not in out and "idxd_queue_get" in out


def test_a_device_in_any_folder(imsgen: Run, tmp_path: Path, capfd: Capture) -> None:
    body = IDXD.read_text().replace("{", '{\n    path "drivers/net/ethernet/mine";', 1)
    path = tmp_path / "mine.ims"
    path.write_text(body)
    log = tmp_path / "log"
    log.write_text(
        "drivers/net/ethernet/mine/irq-idxd.c: undefined reference to `idxd_queue_get'\n"
    )
    assert imsgen("doctor", path, log) == 0
    assert "`queue`" in capfd.readouterr().out
