"""What docutils makes of a device's documentation: its outline, and what it complains of."""

from __future__ import annotations

import random
import re

from docutils import nodes, utils
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser

from imsgen.dsl import load
from imsgen.generator.kernel.target import Target
from imsgen.generator.series import Planner

PIECES = (
    "a b Foo x. 1. 12) (iv) (a) I. # #. - + * -- -a --all /V .. ... :: : :note: :x: >>> | _ __ "
    "a_ `a` [1] [1]_ ==== ---- .. note:: .. [1] .. _a: .. |a| @a & &a %a $a a() ~~~ ! \" ' = "
    "http://a a@b.c Note: Return: Context: \\ \\a ; , < > a- <a> <<< ( ) . ? 0x1 a:: ::a e::e"
).split(" ")

DEVICE = """device d "{}" {{
    pci 1af4:1234;
    store t: msix;
    vector v = t[0] "{}";
    pool p = t[1..] "{}" {{ dedicated; }}
}}
"""


def text(rng: random.Random) -> str:
    """Words of which rst knows many."""
    words = [rng.choice(PIECES) for _ in range(rng.randint(1, 5))]
    return rng.choice((" ", " ", "")).join(words)[:64]


def outline(document: str) -> list[str]:
    """The kinds of blocks in a document, in their order, and complaints."""
    settings = get_default_settings(Parser())
    settings.report_level = 5
    doc = utils.new_document("x.rst", settings)
    doc.reporter.report_level = 5
    found: list[str] = []
    doc.reporter.attach_observer(lambda message: found.append(message.astext()))
    Parser().parse(document, doc)
    blocks = [
        type(node).__name__
        for node in doc.findall()
        if isinstance(node, nodes.problematic) or not isinstance(node, nodes.Inline | nodes.Text)
    ]
    return blocks + found


def document(target: Target, title: str, vector: str, pool: str) -> str | None:
    """The documentation of a device's header with these texts; None where one is refused."""
    result = load("d.ims", DEVICE.format(title, vector, pool).encode())
    if not result.ok:
        return None
    series = Planner(target).series(list(result.devices))
    (header,) = (text for path, text in series.files.items() if path.endswith(".h"))
    return "\n".join(map(described, re.findall(r"(?s)/\*\*\n(.*?)\n? \*/", header)))


def described(comment: str) -> str:
    """A comment as the kernel's scripts give it to docutils: a member's text in its own block."""
    out = []
    for line in comment.split("\n"):
        text = re.sub(r"^\s*\* ?", "", line)
        member = re.match(r"@([\w.]+): *(.*)", text)
        if member:
            out += [f"``{member[1]}``", f"  {member[2]}", ""]
        elif out and text.strip() and not out[-1] and line.startswith(" *  "):
            out[-1:] = [f"  {text.strip()}", ""]
        else:
            out += [text, ""]
    return "\n".join(out)
