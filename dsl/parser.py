"""Text to AST: tables, tokens as the state wants them, and a way on behind every mistake."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

from . import ast
from .codes import report
from .diagnostics import Diagnostic, Place, quote
from .grammar import END, Tables, tables
from .source import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Blocks inside each other; the deepest that means anything is 4.
MAX_DEPTH = 16

#: Digits and separators of a number; 0xffff_ffff has 11 characters.
MAX_NUMBER = 24

#: Columns of indentation that are looked at.
MAX_INDENT = 64

#: Mistakes of syntax after which the rest of a file isn't read.
MAX_MISTAKES = 1000

_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*|//[^\n]*)+")
_RUN = re.compile(r"\w+")
_NUMBER = re.compile(r"(?:0[xX][0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*|(?:0|[1-9][0-9]*(?:_[0-9]+)*))\Z")
_STRING = re.compile(r'"[^"\n]*"')
_BRACES = re.compile(r'"[^"\n]*"?|#[^\n]*|//[^\n]*|[{}]')
_JUNK = re.compile(r"[^\w{}\"#/]+")
_OUTERMOST = re.compile(
    r"(?:^[ \t]*|[;}][ \t]*)(device\b|include\b|slot\b(?=[ \t]+[^\W\d]\w*[ \t]*[\d{:]))",
    re.MULTILINE,
)
_UNKNOWN = "?"

#: Where a statement belongs, for one that stands elsewhere.
HOMES = {
    "bar": "an iomem store",
    "offset": "an iomem store",
    "table": "an iomem store",
    "mask_bits": "an iomem store",
    "pending": "an iomem store",
    "slots": "a store",
    "slot": "an iomem or memory store; one with a name, outside of all devices",
    "cookie": "a command store",
    "address": "a slot",
    "address_lo": "a slot",
    "address_hi": "a slot",
    "data": "a slot",
    "control": "a slot",
    "mask": "a control word",
    "share": "a pool",
    "dedicated": "a pool",
    "reserve": "a pool",
    "managed": "a pool",
    "cpus": "a pool",
    "vectors": "a subdevice",
    "architecture": "a device",
    "pci": "a device",
    "path": "a device",
    "maintainer": "a device",
    "requires": "a device",
    "remapping": "a device",
    "store": "a device",
    "vector": "a device",
    "pool": "a device",
    "subdevice": "a device",
    "device": "the file, outside of all blocks",
    "include": "the file, outside of all blocks",
}

#: How a statement is written, for one that is written otherwise.
FORMS = {
    "architecture": "`architecture x86_64, arm64;`",
    "cookie": "`cookie NAME;` or `cookie NAME optional;`",
    "cpus": "`cpus node;`, for the CPUs of the device's NUMA node: numbers of CPUs are the "
    "machine's, not the device's",
    "include": '`include "family.ims";`',
    "managed": "`managed;` and no more: one vector a queue",
    "mask_bits": "`mask_bits @0x400;` or `mask_bits bar 2 @0x400;`, with `active low` behind it "
    "where a cleared bit masks",
    "pending": "`pending @0x500;` or `pending bar 2 @0x500;`",
    "requires": "`requires remapping;`, or `requires 4 vectors;`",
    "reserve": "`reserve 4;`",
    "share": "`share per cpu up to 8;` or `share least loaded up to 8;`",
    "subdevice": "`subdevice NAME max 64 { ... }`",
    "table": "`table offset 0x100 slots 16;`, both of them numbers",
    "vectors": "`vectors POOL 1..4;`, the least and the most that it gets",
}

_NAMES = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a text in quotes",
    "PCI_ID": "a PCI id (`vvvv:dddd`)",
    "PCI_CLASS": "a class code (`cccccc`)",
    END: "the end of the file",
}


class Token:
    """One token: terminal, text and place in characters."""

    __slots__ = ("end", "start", "text", "type")

    def __init__(self, type: str, text: str, start: int, end: int) -> None:  # noqa: A002
        self.type = type
        self.text = text
        self.start = start
        self.end = end


def parse(source: Source, text: str) -> tuple[ast.File, list[Diagnostic]]:
    """The AST of a text and what is wrong with its syntax.

    ``text`` is what is read: ``source.text`` with each forbidden character replaced by one
    that does no harm.  Never raises for a bad text.
    """
    return _Parser(source, text).run()


class _Parser:
    """One run over one text."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.text = text
        self.tables: Tables = tables()
        self.pos = 0
        self.last_end = 0
        self.states = [self.tables.start]
        self.values: list[Any] = []
        self.found: list[Diagnostic] = []
        self.reported: set[int] = set()
        self.quiet = False
        self.mistakes = 0
        self.stopped = False
        self.unclosed = 0
        self.surplus = 0
        self.suspect: int | None = None

    # Driving.

    def run(self) -> tuple[ast.File, list[Diagnostic]]:
        if not self._braces():
            return ast.File(()), self.found
        token: Token | None = None
        while self.states[-1] != self.tables.end:
            default = self.tables.defaults[self.states[-1]]
            if default is not None:
                self._reduce(default)
                continue
            if token is None:
                token = self._lex(self.pos, self.states[-1])
            action = self.tables.actions[self.states[-1]].get(token.type)
            if action is None:
                self._recover(token)
                token = None
            elif action < 0:
                self._reduce(~action)
            else:
                self._shift(token, action)
                token = None
        node = self.values[0]
        assert isinstance(node, ast.File)
        return node, self.found

    def _shift(self, token: Token, state: int) -> None:
        self.states.append(state)
        self.values.append(token)
        self.pos = self.last_end = token.end
        self.quiet = False

    def _reduce(self, number: int) -> None:
        rule = self.tables.rules[number]
        size = rule.length
        children: list[Any] = self.values[len(self.values) - size :] if size else []
        if size:
            del self.values[-size:], self.states[-size:]
        self.states.append(self.tables.gotos[self.states[-1]][rule.name])
        self.values.append(self._node(rule.action, rule.spliced, children))

    def _node(self, action: str, spliced: bool, children: list[Any]) -> Any:
        if spliced:
            # A list grows in place: its older self is never on the stack again.
            if children and isinstance(children[0], list):
                flat: list[Any] = children[0]
                rest = children[1:]
            else:
                flat, rest = [], children
            for child in rest:
                flat.extend(child) if isinstance(child, list) else flat.append(child)
            return flat
        parts: list[Any] = []
        for child in children:
            parts.extend(child) if isinstance(child, list) else parts.append(child)
        return _ACTIONS[action](self, parts)

    def _follow(self, states: list[int], terminal: str) -> list[int] | None:
        """The states after ``terminal`` is read in ``states``; None where it can't be."""
        stack = list(states)
        while True:
            number = self.tables.defaults[stack[-1]]
            if number is None:
                action = self.tables.actions[stack[-1]].get(terminal)
                if action is None:
                    return None
                if action >= 0:
                    stack.append(action)
                    return self._settle(stack)
                number = ~action
            self._pop(stack, number)

    def _settle(self, stack: list[int]) -> list[int]:
        """``stack`` after all reductions that need no look at what follows."""
        while stack[-1] != self.tables.end:
            number = self.tables.defaults[stack[-1]]
            if number is None:
                break
            self._pop(stack, number)
        return stack

    def _pop(self, stack: list[int], number: int) -> None:
        rule = self.tables.rules[number]
        if rule.length:
            del stack[-rule.length :]
        stack.append(self.tables.gotos[stack[-1]][rule.name])

    # Tokens.

    def _skip(self, pos: int) -> int:
        """The start of the next token at or after ``pos``."""
        while True:
            match = _SPACE.match(self.text, pos)
            if match:
                pos = match.end()
            if not self.text.startswith("/*", pos):
                return pos
            end = self.text.find("*/", pos)
            end = len(self.text) if end < 0 else end + 2
            self._once(
                "IMS016",
                "`/*` starts no comment here",
                Span(self.source, pos, pos + 2),
                hint="a comment starts with `#` or `//` and ends with its line",
            )
            pos = end

    def _lex(self, pos: int, state: int) -> Token:
        """The next token as ``state`` reads it, else as it reads by itself."""
        pos = self._skip(pos)
        if pos >= len(self.text):
            return Token(END, "", len(self.text), len(self.text))
        accepted = self.tables.actions[state]
        best = self._plain(pos)
        if best.type in accepted and best.type not in ("NAME", "NUMBER"):
            return best
        found: Token | None = None
        for name, pattern in _patterns():
            if name in accepted:
                match = pattern.match(self.text, pos)
                if match and (found is None or match.end() > found.end):
                    found = Token(name, match.group(), pos, match.end())
        return found or best

    def _plain(self, pos: int) -> Token:
        """The token at ``pos`` whatever the state."""
        match = _RUN.match(self.text, pos)
        if match:
            run = match.group()
            kind = self.tables.words.get(run)
            if kind is None:
                kind = "NUMBER" if run[0].isdecimal() else "NAME"
            return Token(kind, run, pos, match.end())
        for sign, name in self.tables.signs.items():
            if self.text.startswith(sign, pos):
                return Token(name, sign, pos, pos + len(sign))
        if self.text[pos] == '"':
            match = _STRING.match(self.text, pos)
            if match is None:
                end = self._open_text(pos)
                self._once(
                    "IMS007",
                    "this text is never closed",
                    Span(self.source, pos, end),
                    hint='a text ends on its own line: put a `"` behind it',
                )
                return Token("STRING", self.text[pos:end], pos, end)
            return Token("STRING", match.group(), pos, match.end())
        return Token(_UNKNOWN, self.text[pos], pos, pos + 1)

    def _open_text(self, pos: int) -> int:
        """Where a text that is never closed ends: before the signs at the end of its line."""
        end = self.text.find("\n", pos)
        line = self.text[pos : end if end >= 0 else len(self.text)]
        return pos + max(1, len(line.rstrip(" \t\r;{")))

    def _first_on_line(self, token: Token) -> bool:
        at = token.start
        while at and self.text[at - 1] in " \t\r":
            at -= 1
        return not at or self.text[at - 1] == "\n"

    # Mistakes.

    def _report(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        hint: str = "",
        secondary: Iterable[Place] = (),
    ) -> None:
        self.found.append(report(code, message, span, label, hint, secondary))

    def _once(self, code: str, message: str, span: Span, hint: str) -> None:
        """Report unless this place has been: a token may be read in more than one state."""
        if span.start not in self.reported:
            self.reported.add(span.start)
            self._report(code, message, span, hint=hint)

    def _span(self, token: Token) -> Span:
        return Span(self.source, token.start, token.end)

    def _braces(self) -> bool:
        """Count blocks that are never closed; False where they nest too deeply to go on."""
        depth = 0
        pos = 0
        opened: list[int] = []
        suspect: int | None = None
        while match := _BRACES.search(self.text, pos):
            sign, pos = match.group(), match.end()
            if sign[0] == '"' and (sign[-1] != '"' or len(sign) == 1):
                pos = self._open_text(match.start())
            elif sign == "{":
                depth += 1
                opened.append(match.start())
                if depth > MAX_DEPTH:
                    self._report(
                        "IMS006",
                        f"blocks nest more than {MAX_DEPTH} deep",
                        Span(self.source, match.start(), match.end()),
                        "one too many",
                        "the deepest block is a slot's control word, 4 deep; "
                        "nothing behind this place was read",
                    )
                    return False
            elif sign == "}" and not depth:
                self.surplus += 1
            elif sign == "}":
                depth -= 1
                start = opened.pop()
                if suspect is None and self._outdented(match.start(), start):
                    suspect = start
        self.unclosed = depth
        self.suspect = suspect
        return True

    def _outdented(self, closing: int, opening: int) -> bool:
        """Whether a `}` on a line of its own closes a block that is indented otherwise."""
        # Looking further back than that would take a time with the square of a line's length.
        first = max(0, closing - MAX_INDENT - 1)
        close_at = self.text.rfind("\n", first, closing) + 1
        indent = closing - close_at
        if indent > MAX_INDENT or opening > close_at or self.text[close_at:closing].strip():
            return False
        open_at = self.text.rfind("\n", 0, opening) + 1
        if open_at == close_at:
            return False
        line = self.text[open_at : open_at + MAX_INDENT]
        return len(line) - len(line.lstrip(" \t")) != indent

    def _recover(self, token: Token) -> None:
        self.mistakes += 1
        if self.mistakes > MAX_MISTAKES and not self.stopped:
            # No description: don't spend time on the rest.
            self.stopped = True
            self._report("IMS017", "the rest of the file was not read", self._span(token))
        if self.stopped:
            self.pos = len(self.text)
            token = Token(END, "", self.pos, self.pos)
        if (
            self._end_of_file(token)
            or self._missing_sign(token)
            or self._missing_brace(token)
            or self._misspelt(token)
        ):
            return
        self._give_up(token)

    def _expected(self) -> list[str]:
        accepted = [
            name
            for name in self.tables.actions[self.states[-1]]
            if name != "BAD" and self._follow(self.states, name) is not None
        ]
        return sorted(accepted)

    def _describe(self, names: list[str]) -> str:
        literals = {v: k for k, v in (self.tables.words | self.tables.signs).items()}
        words = sorted(literals[name] for name in names if name in literals)
        words.sort(key=lambda word: not word[0].isalpha())
        shown = [_NAMES[name] for name in names if name not in literals]
        shown += [f"`{word}`" for word in words]
        if len(shown) < 2:
            return "".join(shown)
        return f"{', '.join(shown[:-1])} or {shown[-1]}"

    def _insert(self, terminal: str, place: Token | None = None) -> None:
        """Go on as if ``terminal`` stood at ``place``, or behind the last token."""
        at = self.last_end
        start, end = (place.start, place.end) if place else (at, at)
        virtual = Token(terminal, "", start, end)
        while True:
            number = self.tables.defaults[self.states[-1]]
            if number is None:
                action = self.tables.actions[self.states[-1]][terminal]
                if action >= 0:
                    self.states.append(action)
                    self.values.append(virtual)
                    return
                number = ~action
            self._reduce(number)

    def _open_block(self) -> Token | None:
        for value in reversed(self.values):
            if isinstance(value, Token) and value.type == "LBRACE":
                return value
        return None

    def _end_of_file(self, token: Token) -> bool:
        """A file that ends inside a block: close what is open, so that the rest counts."""
        if token.type != END:
            return False
        opened = self._open_block()
        end = Span(self.source, self.last_end, self.last_end)
        if self.unclosed and opened is not None and not self.stopped:
            self._unclosed(end, "the file ends here", opened)
        elif not self.stopped:
            self._unexpected(token)
        if self._follow(self.states, "RBRACE") is None:
            self._drop(token)
        while self._open_block() is not None:
            self._insert("RBRACE")
            while self.tables.defaults[self.states[-1]] is not None:
                number = self.tables.defaults[self.states[-1]]
                assert number is not None
                self._reduce(number)
        return True

    def _unclosed(self, at: Span, label: str, opened: Token) -> None:
        start = opened.start
        if self.suspect is not None and self.suspect < at.start:
            # Indentation tells better which one than counting does.
            start, self.suspect = self.suspect, None
        self._report(
            "IMS012",
            "a block is never closed",
            at,
            label,
            "put a `}` where the block ends",
            [Place(Span(self.source, start, start + 1), "the block starts here")],
        )

    def _missing_sign(self, token: Token) -> bool:
        """One sign that is missing before ``token``: say so, and go on as if it stood there."""
        for terminal, sign in (
            ("SEMICOLON", ";"),
            ("COLON", ":"),
            ("EQUAL", "="),
            ("RSQB", "]"),
            ("AT", "@"),
            ("LBRACE", "{"),
        ):
            states = self._follow(self.states, terminal)
            if states is None:
                continue
            again = self._lex(token.start, states[-1])
            if self._follow(states, again.type) is None:
                continue
            if terminal == "SEMICOLON" and not self._first_on_line(again):
                if again.type == "NAME":
                    continue
                if again.type == "BAR" and self._statement_word() in ("mask_bits", "pending"):
                    continue  # said behind the offset, not a statement of its own
            if terminal == "LBRACE":
                if not self.surplus:
                    continue
                self.surplus -= 1
            at = Span(self.source, self.last_end, self.last_end)
            self._report("IMS011", f"`{sign}` is missing", at, f"put `{sign}` here")
            self._insert(terminal)
            self.pos = token.start
            return True
        return False

    def _missing_brace(self, token: Token) -> bool:
        """A word that only fits further out, in a file with too few `}`."""
        opened = self._open_block()
        if not self.unclosed or opened is None or not self._first_on_line(token):
            return False
        states = self.states
        for count in range(1, self.unclosed + 1):
            following = self._follow(states, "RBRACE")
            if following is None:
                return False
            states = following
            again = self._lex(token.start, states[-1])
            if again.type != "NAME" and self._follow(states, again.type) is not None:
                self._unclosed(self._span(token), "this belongs outside of it", opened)
                for _ in range(count):
                    self._insert("RBRACE")
                self.unclosed -= count
                self.pos = token.start
                return True
        return False

    def _misspelt(self, token: Token) -> bool:
        """A word that is nearly one that fits: take it for that one."""
        if token.type not in ("NAME", *self.tables.words.values()) or len(token.text) > 24:
            return False
        if token.type == "DEVICE":
            return False  # no slip for `subdevice`
        known = token.text in HOMES
        words = {
            text: name
            for text, name in self.tables.words.items()
            if name in self.tables.actions[self.states[-1]]
        }
        near = nearest(token.text, words)
        if near is None:
            return False
        states = self._follow(self.states, words[near])
        if states is None:
            return False
        after = self._lex(token.end, states[-1])
        following = self._follow(states, after.type)
        if following is None:
            return False
        if known:
            # A statement of another block, unless more of it fits.
            third = self._lex(after.end, following[-1])
            if self._follow(following, third.type) is None:
                return False
        self._report(
            "IMS015",
            f"there is no {quote(token.text)} here",
            self._span(token),
            hint=f"did you mean `{near}`?",
        )
        self._insert(words[near], token)
        self.pos = self.last_end = token.end
        return True

    def _give_up(self, token: Token) -> None:
        """Report ``token`` and go on behind the statement that it is in."""
        if token.type == "RBRACE" and self._open_block() is None:
            self._report(
                "IMS013",
                "this `}` closes nothing",
                self._span(token),
                hint="remove it, or look for a `{` that is missing above",
            )
        elif self.quiet and token.type in (_UNKNOWN, *self.tables.signs.values()):
            # More of what has just been reported.
            junk = _JUNK.match(self.text, token.start)
            if junk and self._statement_start():
                self.pos = junk.end()
                return
        else:
            self._unexpected(token)
        self._drop(token)

    def _unexpected(self, token: Token) -> None:
        expected = self._expected()
        hint = ""
        last = self.values[-1] if self.values else None
        after_number = isinstance(last, Token) and last.type == "NUMBER"
        if token.text == "-":
            hint = "names are made of a-z, 0-9 and _"
            if after_number:
                hint = "a range is `A..B`, both ends included"
        elif token.text == "'" or expected == ["STRING"]:
            hint = "a text stands in double quotes"
        elif token.text == ",":
            hint = "there are no lists: write one statement for each"
        elif token.type == "SEMICOLON" and self._statement_start():
            hint = "a block needs no `;` behind it"
        elif token.type == "SEMICOLON" and "LBRACE" in expected:
            hint = "a block `{ ... }` belongs to this"
        elif token.type == "COLON" and after_number:
            hint = "a field of several bits is `NAME bits HIGH:LOW cookie`"
        elif token.text in HOMES and self._statement_start():
            hint = f"`{token.text}` belongs in the block of {HOMES[token.text]}"
            if token.text in ("device", "include"):
                hint = f"`{token.text}` stands by itself, outside of all blocks"
        first = self._statement_word()
        if first == "slot" and not after_number:
            hint = "write `slot NAME 16 { ... }`"
            if self._open_block() is not None:
                hint = "write `slot 16 { ... }`, or `slot NAME;` for a layout that has a name"
        elif first == "requires" and token.text in HOMES and token.text != "vectors":
            hint = f"`{token.text}` is a statement of its own"
        elif first == "managed" or (
            first in FORMS and (not hint or first == "include" or token.text in (",", ";", "-"))
        ):
            hint = f"write {FORMS[first]}"
        elif first == "vector" and expected == ["SEMICOLON"] and token.type in ("EQUAL", "LSQB"):
            hint = "a subdevice takes a vector of a pool: write `vector POOL;`"
        elif first is None and token.type == "NAME" and "COOKIE" in expected:
            hint = "a value that the command takes along is written `cookie NAME;`"
        elif expected == ["LBRACE"]:
            hint = "a block `{ ... }` belongs to this"
        elif token.type == "LBRACE" and expected == ["SEMICOLON"]:
            hint = "no block belongs to this"
        self._report(
            "IMS010",
            ("the file ends too early" if token.type == END else f"unexpected {quote(token.text)}"),
            self._span(token),
            f"expected {self._describe(expected)}",
            hint,
        )

    def _statement_word(self) -> str | None:
        """The word that the statement being read starts with; None at its start."""
        at = len(self.states) - 1
        while at and "BAD" not in self.tables.actions[self.states[at]]:
            at -= 1
        first = self.values[at] if at < len(self.values) else None
        return first.text if isinstance(first, Token) else None

    def _statement_start(self) -> bool:
        return "BAD" in self.tables.actions[self.states[-1]]

    def _drop(self, token: Token) -> None:
        """Leave out the statement that ``token`` is in; a :class:`ast.Broken` takes its place."""
        dropped: list[Any] = []
        while "BAD" not in self.tables.actions[self.states[-1]]:
            self.states.pop()
            dropped.append(self.values.pop())
        dropped.reverse()
        words = [item.text for item in dropped if isinstance(item, Token)]
        start = token.start
        if dropped:
            first = dropped[0]
            start = first.start if isinstance(first, Token) else first.span.start
        outer = self._follow(self.states, "BAD")
        assert outer is not None
        depth = 0
        pos = token.start
        end = pos
        if self._open_block() is None:
            # Whatever this is goes up to the next that stands by itself.
            match = _OUTERMOST.search(self.text, pos)
            pos = end = match.start(1) if match else len(self.text)
        while self._open_block() is not None:
            pos = self._skip(pos)
            if pos >= len(self.text):
                break
            item = self._plain(pos)
            if depth == 0:
                if item.type == "RBRACE":
                    break
                if item.type == "SEMICOLON":
                    pos = end = item.end
                    break
                word = item.type in self.tables.words.values()
                if word and self._first_on_line(item) and self._follow(outer, item.type):
                    break
            elif item.type == "DEVICE" and self.unclosed and self._first_on_line(item):
                break
            if item.type == "LBRACE":
                depth += 1
            elif item.type == "RBRACE":
                depth -= 1
                if depth == 0:
                    pos = end = item.end
                    break
            elif depth == 0 and len(words) < 8:
                words.append(item.text)
            pos = end = item.end
        broken = ast.Broken(tuple(words), Span(self.source, start, max(start, end)))
        self._insert("BAD")
        self.values[-1] = broken
        self.pos = pos
        self.last_end = max(self.last_end, end)
        self.quiet = True

    # Leaves, for the actions below.

    def span(self, first: Any, last: Any) -> Span:
        """From the start of one token or node to the end of another."""
        start = first.start if isinstance(first, Token) else first.span.start
        end = last.end if isinstance(last, Token) else last.span.end
        return Span(self.source, start, max(start, end))

    def word(self, token: Token) -> ast.Word:
        """A bare word."""
        return ast.Word(token.text, self._span(token))

    def quoted(self, token: Token) -> ast.Text:
        """A text without its quotes."""
        return ast.Text(token.text[1:].removesuffix('"'), self._span(token))

    def number(self, token: Token) -> ast.Number:
        """A number, reported where its spelling is wrong."""
        span = self._span(token)
        value: int | None = None
        if len(token.text) > MAX_NUMBER:
            self._report(
                "IMS009",
                "this number is too long",
                span,
                hint=f"no number here needs more than {MAX_NUMBER} characters",
            )
        elif not token.text.isascii() or not _NUMBER.match(token.text):
            self._report(
                "IMS008",
                f"{quote(token.text)} is not a number",
                span,
                hint="numbers are decimal (`16_128`) or hexadecimal (`0x3f00`), "
                "without leading zeros; `_` stands between digits only",
            )
        else:
            value = int(token.text, 16 if token.text[:2] in ("0x", "0X") else 10)
        return ast.Number(value, span)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    table = tables()
    return tuple(
        (name, re.compile(pattern))
        for name, pattern in table.patterns.items()
        if name != "BAD" and name not in table.ignored
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` is most likely a slip for, else None."""
    if len(word) > 64:
        return None
    from difflib import get_close_matches

    found = get_close_matches(word.lower(), sorted(known)[:100], 1, 0.65)
    return found[0] if found else None


# Actions: one per rule or alias of the grammar.  ``c`` are the rule's tokens and nodes.


def _take(c: list[Any], kind: str) -> list[Token]:
    return [item for item in c if isinstance(item, Token) and item.type == kind]


def _one(c: list[Any], kind: str) -> Token | None:
    found = _take(c, kind)
    return found[0] if found else None


def _nodes(c: list[Any], *kinds: type) -> tuple[Any, ...]:
    return tuple(item for item in c if isinstance(item, kinds))


def _head(p: _Parser, c: list[Any]) -> Span:
    last = c[0]
    for item in c:
        if isinstance(item, Token) and item.type == "LBRACE":
            break
        last = item
    return p.span(c[0], last)


def _text(p: _Parser, c: list[Any]) -> ast.Text | None:
    token = _one(c, "STRING")
    return p.quoted(token) if token else None


def _start(p: _Parser, c: list[Any]) -> ast.File:
    return ast.File(tuple(c))


def _device(p: _Parser, c: list[Any]) -> ast.DeviceDecl:
    items = tuple(item for item in c if not isinstance(item, Token))
    return ast.DeviceDecl(p.word(c[1]), _text(p, c), items, _head(p, c), p.span(c[0], c[-1]))


def _pci_id(p: _Parser, c: list[Any]) -> ast.PciIdItem:
    return ast.PciIdItem(p.word(c[1]), p.span(c[0], c[-1]))


def _pci_class(p: _Parser, c: list[Any]) -> ast.PciClassItem:
    return ast.PciClassItem(p.word(c[2]), p.span(c[0], c[-1]))


def _path(p: _Parser, c: list[Any]) -> ast.PathItem:
    return ast.PathItem(p.quoted(c[1]), p.span(c[0], c[-1]))


def _maintainer(p: _Parser, c: list[Any]) -> ast.MaintainerItem:
    return ast.MaintainerItem(p.quoted(c[1]), p.span(c[0], c[-1]))


def _requires_remapping(p: _Parser, c: list[Any]) -> ast.RemappingItem:
    return ast.RemappingItem(True, p.span(c[0], c[-1]))


def _requires_vectors(p: _Parser, c: list[Any]) -> ast.MinimumItem:
    return ast.MinimumItem(p.number(c[1]), p.span(c[0], c[-1]))


def _remapping_optional(p: _Parser, c: list[Any]) -> ast.RemappingItem:
    return ast.RemappingItem(False, p.span(c[0], c[-1]))


def _architecture(p: _Parser, c: list[Any]) -> ast.ArchitectureItem:
    names = tuple(p.word(token) for token in _take(c, "NAME"))
    return ast.ArchitectureItem(names, p.span(c[0], c[-1]))


def _pci_store(p: _Parser, c: list[Any]) -> ast.StoreItem:
    kind = c[3].type.lower()
    return ast.StoreItem(p.word(c[1]), kind, (), p.span(c[0], c[3]), p.span(c[0], c[-1]))


def _ims_store(p: _Parser, c: list[Any]) -> ast.StoreItem:
    items = tuple(item for item in c if not isinstance(item, Token))
    kind = c[3].type.lower()
    return ast.StoreItem(p.word(c[1]), kind, items, _head(p, c), p.span(c[0], c[-1]))


def _bar(p: _Parser, c: list[Any]) -> ast.BarItem:
    return ast.BarItem(p.number(c[1]), p.span(c[0], c[-1]))


def _size(p: _Parser, c: list[Any]) -> ast.SizeItem:
    token = _one(c, "NUMBER")
    number = p.number(token) if token else None
    span = p.span(c[0], c[-1])
    if _one(c, "RUNTIME"):
        return ast.SizeItem(c[0].type.lower(), None, number, span)
    return ast.SizeItem(c[0].type.lower(), number, None, span)


def _table(p: _Parser, c: list[Any]) -> ast.TableItem:
    return ast.TableItem(p.number(c[2]), p.number(c[4]), p.span(c[0], c[-1]))


def _bits(p: _Parser, c: list[Any]) -> ast.BitsItem:
    numbers = [p.number(token) for token in _take(c, "NUMBER")]
    bar = numbers[0] if len(numbers) > 1 else None
    low = _one(c, "ACTIVE") is not None
    return ast.BitsItem(c[0].type.lower(), bar, numbers[-1], low, p.span(c[0], c[-1]))


def _command_cookie(p: _Parser, c: list[Any]) -> ast.CommandCookieItem:
    optional = _one(c, "OPTIONAL") is not None
    return ast.CommandCookieItem(p.word(c[1]), optional, p.span(c[0], c[-1]))


def _slot(p: _Parser, c: list[Any]) -> ast.SlotItem:
    items = _nodes(c, ast.RegisterItem, ast.ControlItem, ast.Broken)
    (stride,) = _take(c, "NUMBER")
    big = _one(c, "BIG") is not None
    return ast.SlotItem(p.number(stride), big, items, _head(p, c), p.span(c[0], c[-1]))


def _slot_named(p: _Parser, c: list[Any]) -> ast.SlotNameItem:
    return ast.SlotNameItem(p.word(c[1]), p.span(c[0], c[-1]))


def _layout(p: _Parser, c: list[Any]) -> ast.LayoutItem:
    return ast.LayoutItem(p.word(c[1]), _slot(p, c), p.span(c[0], c[-1]))


def _include(p: _Parser, c: list[Any]) -> ast.IncludeItem:
    return ast.IncludeItem(p.quoted(c[1]), p.span(c[0], c[-1]))


def _register(p: _Parser, c: list[Any]) -> ast.RegisterItem:
    numbers = [p.number(token) for token in _take(c, "NUMBER")]
    width = numbers[1] if len(numbers) > 1 else None
    return ast.RegisterItem(c[0].type.lower(), numbers[0], width, p.span(c[0], c[-1]))


def _control(p: _Parser, c: list[Any]) -> ast.ControlItem:
    numbers = [p.number(token) for token in _take(c, "NUMBER")]
    width = numbers[1] if len(numbers) > 1 else None
    register = ast.RegisterItem("control", numbers[0], width, _head(p, c))
    items = _nodes(c, ast.MaskItem, ast.FlagItem, ast.CookieItem, ast.Broken)
    return ast.ControlItem(register, items, p.span(c[0], c[-1]))


def _mask(p: _Parser, c: list[Any]) -> ast.MaskItem:
    return ast.MaskItem(p.number(c[2]), _one(c, "ACTIVE") is not None, p.span(c[0], c[-1]))


def _flag(p: _Parser, c: list[Any]) -> ast.FlagItem:
    return ast.FlagItem(p.word(c[0]), p.number(c[2]), p.span(c[0], c[-1]))


def _cookie(p: _Parser, c: list[Any]) -> ast.CookieItem:
    optional = _one(c, "OPTIONAL") is not None
    name, high, low = p.word(c[0]), p.number(c[2]), p.number(c[4])
    return ast.CookieItem(name, high, low, optional, p.span(c[0], c[-1]))


def _vector(p: _Parser, c: list[Any]) -> ast.VectorItem:
    context = "hard"
    for kind in ("THREADED", "ONESHOT"):
        if _one(c, kind):
            context = kind.lower()
    return ast.VectorItem(
        name=p.word(c[1]),
        store=p.word(c[3]),
        index=p.number(c[5]),
        place=p.span(c[3], c[6]),
        purpose=_text(p, c),
        context=context,
        span=p.span(c[0], c[-1]),
    )


_POOL_PARTS = (
    ast.ShareItem,
    ast.DedicatedItem,
    ast.ReserveItem,
    ast.ManagedItem,
    ast.CpusItem,
    ast.Broken,
)


def _pool(p: _Parser, c: list[Any]) -> ast.PoolItem:
    return ast.PoolItem(
        name=p.word(c[1]),
        ranges=_nodes(c, ast.RangeItem),
        purpose=_text(p, c),
        items=_nodes(c, *_POOL_PARTS),
        head=_head(p, c),
        span=p.span(c[0], c[-1]),
    )


def _range_all(p: _Parser, c: list[Any]) -> ast.RangeItem:
    store = p.word(c[0])
    return ast.RangeItem(store, ast.Number(0, store.span), None, p.span(c[0], c[-1]))


def _range_one(p: _Parser, c: list[Any]) -> ast.RangeItem:
    number = p.number(c[2])
    return ast.RangeItem(p.word(c[0]), number, number, p.span(c[0], c[-1]))


def _range_from(p: _Parser, c: list[Any]) -> ast.RangeItem:
    return ast.RangeItem(p.word(c[0]), p.number(c[2]), None, p.span(c[0], c[-1]))


def _range_between(p: _Parser, c: list[Any]) -> ast.RangeItem:
    first, last = p.number(c[2]), p.number(c[4])
    return ast.RangeItem(p.word(c[0]), first, last, p.span(c[0], c[-1]))


def _share(p: _Parser, c: list[Any]) -> ast.ShareItem:
    policy = "least loaded" if _one(c, "LEAST") else "per cpu"
    return ast.ShareItem(policy, p.number(c[5]), p.span(c[0], c[-1]))


def _dedicated(p: _Parser, c: list[Any]) -> ast.DedicatedItem:
    return ast.DedicatedItem(p.span(c[0], c[-1]))


def _reserve(p: _Parser, c: list[Any]) -> ast.ReserveItem:
    return ast.ReserveItem(p.number(c[1]), p.span(c[0], c[-1]))


def _managed(p: _Parser, c: list[Any]) -> ast.ManagedItem:
    return ast.ManagedItem(p.span(c[0], c[-1]))


def _cpus(p: _Parser, c: list[Any]) -> ast.CpusItem:
    return ast.CpusItem(p.span(c[0], c[-1]))


def _subdevice(p: _Parser, c: list[Any]) -> ast.SubdeviceItem:
    items = _nodes(c, ast.MemberItem, ast.Broken)
    name, maximum = p.word(c[1]), p.number(c[3])
    return ast.SubdeviceItem(name, maximum, items, _head(p, c), p.span(c[0], c[-1]))


def _member_one(p: _Parser, c: list[Any]) -> ast.MemberItem:
    return ast.MemberItem(p.word(c[1]), None, None, p.span(c[0], c[-1]))


def _member_many(p: _Parser, c: list[Any]) -> ast.MemberItem:
    minimum, maximum = p.number(c[2]), p.number(c[4])
    return ast.MemberItem(p.word(c[1]), minimum, maximum, p.span(c[0], c[-1]))


_ACTIONS: dict[str, Callable[[_Parser, list[Any]], Any]] = {
    "start": _start,
    "include": _include,
    "layout": _layout,
    "device": _device,
    "pci_id": _pci_id,
    "pci_class": _pci_class,
    "path": _path,
    "maintainer": _maintainer,
    "requires_remapping": _requires_remapping,
    "requires_vectors": _requires_vectors,
    "remapping_optional": _remapping_optional,
    "architecture": _architecture,
    "msi_store": _pci_store,
    "msix_store": _pci_store,
    "iomem_store": _ims_store,
    "memory_store": _ims_store,
    "command_store": _ims_store,
    "exported_store": _ims_store,
    "bar": _bar,
    "offset": _size,
    "slots": _size,
    "table": _table,
    "mask_bits": _bits,
    "pending": _bits,
    "command_cookie": _command_cookie,
    "slot": _slot,
    "slot_named": _slot_named,
    "register": _register,
    "control": _control,
    "mask": _mask,
    "flag": _flag,
    "cookie": _cookie,
    "vector": _vector,
    "pool": _pool,
    "range_all": _range_all,
    "range_one": _range_one,
    "range_from": _range_from,
    "range_between": _range_between,
    "share": _share,
    "dedicated": _dedicated,
    "reserve": _reserve,
    "managed": _managed,
    "cpus": _cpus,
    "subdevice": _subdevice,
    "member_one": _member_one,
    "member_many": _member_many,
}
