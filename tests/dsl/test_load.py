"""From the disk, and inputs made to take long."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
from dsl_samples import EXAMPLES, GOOD, MSIX, device

from imsgen.dsl import MAX_BYTES, load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.files import MAX_PARTS


def test_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "some.ims"
    path.write_text(GOOD)
    for given in (path, str(path)):
        (found,) = load(given).devices
        assert found.file == "some.ims"
    path.write_text("device")
    assert load(path).diagnostics[0].span.source.name == str(path)


@pytest.mark.parametrize("name", ["missing.ims", "", ".", "no\0such.ims"])
def test_what_can_not_be_opened(tmp_path: Path, name: str) -> None:
    result = load(f"{tmp_path}/{name}")
    assert result.devices == ()
    assert [found.code for found in result.diagnostics] == ["IMS001"]


def test_not_permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("builtins.open", refuse)
    (found,) = load("some.ims").diagnostics
    assert (found.code, found.message) == ("IMS001", "can't read the file: Permission denied")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device file")
def test_a_file_without_end() -> None:
    (found,) = load("/dev/zero").diagnostics
    assert (found.code, found.message) == ("IMS001", "can't read the file: not a regular file")


def test_no_more_is_read_than_can_be_right(tmp_path: Path) -> None:
    """A hole of a terabyte, and a pipe that nobody writes to."""
    with (tmp_path / "hole.ims").open("wb") as file:
        file.truncate(1 << 40)
    assert [found.code for found in load(tmp_path / "hole.ims").diagnostics] == ["IMS002"]
    os.mkfifo(tmp_path / "pipe.ims")
    (tmp_path / "link.ims").symlink_to("pipe.ims")
    for name in ("pipe.ims", "link.ims"):
        (found,) = load(tmp_path / name).diagnostics
        assert found.message == "can't read the file: not a regular file"


def test_largest_file() -> None:
    text = GOOD.encode()
    padding = b"#" * (MAX_BYTES - len(text))
    assert load("large.ims", text + padding).devices
    assert [f.code for f in load("large.ims", text + padding + b"#").diagnostics] == ["IMS002"]


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in EXAMPLES:
        load(path.name, path.read_bytes())
    load("bad.ims", b"device")
    assert list(tmp_path.iterdir()) == []


N = 20_000
SLOW = {
    "semicolons": ";" * 20 * N,
    "quotes": '"' * N * 2,
    "open texts": '"a;;;;;;;;;;;;;;;;\n' * N,
    "one open text": '"' + ";" * 20 * N,
    "words": "a " * N,
    "words on one line": device(MSIX, "vector a = table[0]; " * 1000).replace("\n", " "),
    "words and signs": "a;" * N,
    "braces and signs": ";{}" * N,
    "blocks on a line": "{}" * 262_144,
    "blocks on a line in a device": device(MSIX, "{}" * 200_000 + "\u4e2d"),
    "closing": "}" * N,
    "commas": device(MSIX, "vector a = table[0]" + ",b" * N + ";"),
    "typos": device(MSIX, "vecter a = table[0];\n" * 2000),
    "c comments": "/*" * N,
    "closed c comments": "/* */" * N,
    "blanks": " " * 20 * N + "x" + "\n" * N,
    "blanks before words": device(MSIX, (" " * 1000 + "what;") * 500),
    "forbidden": "a\0" * 20 * N,
    "numbers": device(MSIX, "vector a = table[" + "9" * 20 * N + "];"),
    "vectors and ranges": device(
        MSIX,
        *(f"vector v{n} = table[{n}];" for n in range(2000)),
        "pool p = " + " + ".join(f"table[{n}]" for n in range(2000)) + " { dedicated; }",
    ),
    "overlapping ranges": device(MSIX, "pool p = " + "table + " * 2000 + "table { dedicated; }"),
    "cookies": GOOD.replace(
        "mask bit 0;",
        "mask bit 0;" + "".join(f"c{n} bits 9999999999999:4 cookie;" for n in range(2000)),
    ),
    "flags": GOOD.replace("mask bit 0;", "".join(f"c{n} bit 1;" for n in range(2000))),
    "unknown stores": device(MSIX, *(f"vector v{n} = tab{n}[0];" for n in range(2000))),
    "managed pools": device(MSIX, *(f"pool p{n} = table {{ managed; }}" for n in range(2000))),
    "tables": device(
        "store ims: iomem { bar 0; "
        + "".join(f"table offset {n} slots 9;" for n in range(4000))
        + " slot 16 { address @0; data @8; control @12 { mask bit 0; } } }",
        "vector v = ims[0];",
    ),
    "subdevices": device(
        MSIX,
        "pool p = table { dedicated; }",
        *(f"subdevice s{n} max 9 {{ vectors p 9..8; vector q{n}; }}" for n in range(1000)),
        "subdevice s max 9 { " + "vector p; vector pp; " * 1000 + "}",
    ),
    "lost pools": device(
        MSIX,
        *(f"pool p{n} = ; " for n in range(900)),
        *(f"subdevice s{n} max 9 {{ vector q{n}; }}" for n in range(900)),
    ),
    "architectures": device(
        MSIX,
        "architecture " + ", ".join(f"x{n}" for n in range(4000)) + ";",
        "vector v = table[0];",
    ),
    "layouts": "".join(f"slot l{n % 500} {n} {{ data @{n}; }}\n" for n in range(2000)) + GOOD,
    "unknown layouts": device(
        *(f"store s{n}: memory {{ slots 8; slot l{n}; }}" for n in range(2000)), "vector v = s1[9];"
    ),
    "includes": 'include "no.ims";' * 2000,
    "command cookies": device(
        "store c: command { slots 8; " + "cookie a; cookie data; " * 1000 + "}", "vector v = c[0];"
    ),
    "one name": device(MSIX, "vector a = table[0];" * 2000),
    "devices": "device foo { }" * 4000,
    "deep": "device foo {" + "{" * 20 * N,
    "long name": f"device {'a' * 20 * N} {{ }}",
    "long path": device(MSIX, f'path "{"a/" * 10 * N}";'),
    "long text": device(MSIX, f'vector a = table[0] "{"x-" * 10 * N}by:";'),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_takes_no_long(name: str) -> None:
    """Far above what a slow machine needs, far below what quadratic work would take."""
    start = time.process_time()
    result = load("slow.ims", SLOW[name].encode())
    text = render(result.diagnostics)
    assert time.process_time() - start < 3.0
    assert not result.ok
    assert len(result.diagnostics) <= 501
    assert len(text) < 1_000_000


@pytest.mark.slow
def test_most_statements() -> None:
    """As many as there may be are checked; with more nothing is, not even read any further."""
    text = device(MSIX, "vector v = table[0];", "pci 1af4:1235;" * 5)
    more = MAX_PARTS - load_parts(text)
    (found,) = load("many.ims", (text + "a;" * (more + 1)).encode()).diagnostics
    assert (found.code, found.span.start) == ("IMS002", 0)
    assert "more than 20,000 statements, blocks and ranges" in found.message
    start = time.process_time()
    result = load("many.ims", ("device d { }" * (MAX_PARTS - 1)).encode())
    assert time.process_time() - start < 6.0
    assert [f.code for f in result.diagnostics].count("IMS002") == 0


def load_parts(text: str) -> int:
    """Statements and so on of a text without odd places."""
    return text.count(";") + text.count("{") + text.count("+") + text.count(",")


@pytest.mark.slow
def test_statements_of_all_files_count(tmp_path: Path) -> None:
    lines = [f"slot l{n} 4 {{ data @0; }}" for n in range(400)]
    for number in range(26):
        (tmp_path / f"f{number}.ims").write_text("\n".join(lines))
    main = "".join(f'include "f{number}.ims";\n' for number in range(26)) + GOOD
    found = load(tmp_path / "main.ims", main.encode()).diagnostics
    large = next(f for f in found if f.code == "IMS002")
    assert large.message.startswith("with this the files have more than 20,000")
