"""What one can have a model do by hand, a line each."""

from __future__ import annotations

from collections import Counter

from .runtime import Device

HELP = """\
send STORE INDEX [COUNT]              send a message, and say what became of it
stream STORE FIRST LAST COUNT [RATE]  send many, one after the other; RATE a second
drop STORE INDEX [COUNT]              lose the next ones
wipe STORE                            forget what a store holds, and say nothing
reset | gone | back                   lose everything | be taken away | come back
show                                  what is open, and what was found
"""


def do(device: Device, line: str) -> str:
    """Do what a line says; gives what there is to say.  Any text is taken."""
    words = line.split()
    try:
        return _do(device, words[0], words[1:2], [int(word, 0) for word in words[2:]])
    except (ValueError, IndexError, TypeError):
        return HELP
    except KeyError as error:
        return f"no store {error}; there is {', '.join(device.stores)}\n"


def _do(device: Device, word: str, stores: list[str], numbers: list[int]) -> str:
    for name in stores:
        if any(not 0 <= n < device.stores[name].slots for n in numbers[: _indexes(word)]):
            return f"{name} has {device.stores[name].slots} messages\n"
    if word == "send":
        return _counts(device.stream([(stores[0], numbers[0])], *(numbers[1:] or [1])))
    if word == "stream":
        first, last, *rest = numbers
        names = [(stores[0], index) for index in range(first, last + 1)]
        if not names:
            raise ValueError("the last one is before the first")
        return _counts(device.stream(names, *rest))
    if word == "drop":
        device.drop(stores[0], *numbers)
    elif word == "wipe":
        device.wipe(*stores)
    elif word in ("reset", "gone", "back") and not stores:
        getattr(device, word)()
    elif word == "show":
        shown = " ".join(f"{name}[{index}]" for name, index in device.open_messages())
        return "\n".join([shown or "nothing is open", *map(str, device.findings)]) + "\n"
    else:
        return HELP
    return ""


def _indexes(word: str) -> int:
    """How many numbers behind a store are indexes."""
    return 2 if word == "stream" else 1


def _counts(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items())) + "\n"
