"""How the work of checking grows with each construct of the language: ``make bench-growth``.

Prints for each the exponent of the calls of functions, which is the same on every machine, and that
of the CPU time, between a size and four times of it.  1 is in proportion.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

from imsgen.dsl import load
from imsgen.dsl.format import format_text

#: What is done with a text.
Work = Callable[[str], object]

#: How many there are of a construct, and by what that grows.
SIZE, FACTOR = 300, 4

MSIX = "store t: msix; vector v = t[0];"
WHOLE = "device d { pci 1af4:1234; " + MSIX + " }\n"
IMS = (
    "store ims: iomem { bar 0; offset 0; slots 65536; "
    "slot 16 { address_lo @0; address_hi @4; data @8; control @12 { mask bit 0; } } }\n"
)


def device(body: str, store: str = MSIX) -> str:
    """A device with a store and more."""
    return f"device d {{ pci 1af4:1234; {store}\n{body} }}\n"


def each(count: int, line: str, store: str = MSIX) -> str:
    """A device with a line ``count`` times; ``{n}`` is its number."""
    return device("".join(line.format(n=n) + "\n" for n in range(count)), store)


CONSTRUCTS: dict[str, Callable[[int], str]] = {
    "devices": lambda n: "".join(WHOLE.replace("device d", f"device d{i}") for i in range(n)),
    "PCI ids": lambda n: device(" ".join(f"pci 1af4:{i:04x};" for i in range(n))),
    "maintainers": lambda n: each(n, 'maintainer "Jane Doe <jane{n}@example.org>";'),
    "architectures": lambda n: device("architecture " + ", ".join(["x86"] * n) + ";"),
    "stores": lambda n: each(n, "store s{n}: command {{ slots 4; }}"),
    "tables": lambda n: each(
        n, "", "store m: iomem { bar 0; " + "table offset 0 slots 1; " * n + "} vector v = m[0];"
    ),
    "registers": lambda n: each(
        n, "", "store m: iomem { slot 65536 { " + "data @8; " * n + "} } vector v = m[0];"
    ),
    "registers of the driver": lambda n: each(
        n,
        "",
        "store m: iomem { bar 0; offset 0; slots 1; slot 65536 { address @0; data @8; "
        "control @12 { mask bit 0; } "
        + "".join(f"register r_{i} @{16 + 4 * i}; " for i in range(n))
        + "} } vector v = m[0];",
    ),
    "cookies": lambda n: each(
        n, "", "store m: iomem { slot 16 { control @0 { " + "c bits 1:0 cookie; " * n + "} } }"
    ),
    "vectors": lambda n: each(n, 'vector v{n} = ims[{n}] "purpose";', IMS),
    "vectors at one index": lambda n: each(n, "vector v{n} = ims[0];", IMS),
    "pools": lambda n: each(n, "pool p{n} = ims[{n}] {{ dedicated; }}", IMS),
    "ranges": lambda n: device(
        "pool p = " + " + ".join(f"ims[{2 * i}]" for i in range(n)) + " { dedicated; }", IMS
    ),
    "ranges that overlap": lambda n: device(
        "pool p = " + " + ".join(["ims[0..9]"] * n) + " { dedicated; }", IMS
    ),
    "ways to share": lambda n: device(f"pool p = t[1..] {{ {'dedicated; ' * n}}}"),
    "subdevices": lambda n: each(
        n, "subdevice s{n} max 4 {{ vector p; }}", MSIX + " pool p = t[1..] { dedicated; }"
    ),
    "subdevice's pools": lambda n: device(
        f"pool p = t[1..] {{ dedicated; }} subdevice s max 4 {{ {'vector p; ' * n}}}"
    ),
    "layouts": lambda n: "".join(f"slot l{i} 16 {{ data @0; }}\n" for i in range(n)) + WHOLE,
    "includes": lambda n: 'include "no.ims";\n' * n + WHOLE,
    "comments": lambda n: "# Nothing to see.\n" * n + WHOLE,
    "blank lines": lambda n: "\n" * n + WHOLE,
    "blanks": lambda n: WHOLE.replace("{", "{" + " " * n),
    "numbers": lambda n: device(f"vector w = t[{'1' * n}];"),
    "names": lambda n: device(f"vector {'w' * n} = t[1];"),
    "texts": lambda n: device(f'vector w = t[1] "{"a " * n}b";'),
    "open texts": lambda n: WHOLE + '"abc\n' * n,
    "unknown words": lambda n: each(n, "pol p{n} = t[{n}];"),
    "signs": lambda n: WHOLE + "; " * n,
    "empty blocks on a line": lambda n: WHOLE + "{}" * n,
    "nested blocks": lambda n: WHOLE + "{" * n + "}" * n,
    "closed blocks": lambda n: WHOLE + "}" * n,
    "other signs": lambda n: WHOLE + "\x1b" * n,
}


def check(text: str) -> object:
    """Check a description."""
    return load("growth.ims", text.encode())


def write(text: str) -> object:
    """Write a description in its one form."""
    return format_text("growth.ims", text.encode())


def calls(text: str, work: Work = check) -> int:
    """Calls of functions, Python's and C's, while a description is checked or formatted."""
    count = 0

    def see(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        work(text)
    finally:
        sys.setprofile(None)
    return count


def seconds(text: str) -> float:
    """CPU time of checking a description: the least of three."""
    spent = []
    for _ in range(3):
        begun = time.process_time()
        check(text)
        spent.append(time.process_time() - begun)
    return min(spent)


def exponent(measure: Callable[[str], float], name: str, size: int) -> float:
    """How a measure grows from a size to :data:`FACTOR` times of it."""
    make = CONSTRUCTS[name]
    return math.log(measure(make(size * FACTOR)) / measure(make(size)), FACTOR)


def main() -> None:
    """Print the table."""
    check(WHOLE)
    print(f"{'':24} {'calls':>6} {'time':>6}")
    for name in CONSTRUCTS:
        counted, timed = exponent(calls, name, SIZE), exponent(seconds, name, SIZE * FACTOR)
        print(f"{name:24} {counted:6.2f} {timed:6.2f}", flush=True)


if __name__ == "__main__":
    main()
