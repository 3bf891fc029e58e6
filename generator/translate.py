"""Templates to Python functions, for the package build, and what these functions call.

Templates hold no logic, so a function is as long as its template and reads as it does.  Jinja2
parses; whatever it does at run time with names, attributes, tests and loops under
``StrictUndefined`` is done here.  A test holds both to the same texts and errors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from imsgen.dsl import ahead
from imsgen.templates import ROOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from jinja2 import Environment, nodes

    #: Adds the pieces of a text for a context.
    Function = Callable[[Mapping[str, Any], list[str]], None]

#: Attributes that Jinja2 finds in any dictionary, before its keys.
_METHODS = frozenset(name for name in dir(dict) if not name.startswith("__"))


class Undefined(Exception):
    """A template names what isn't there."""


def name(context: Mapping[str, Any], key: str) -> Any:
    """What a template means by a name.  Raises :class:`Undefined`."""
    try:
        return context[key]
    except KeyError:
        raise Undefined(f"{key!r} is undefined") from None


def attribute(value: Any, key: str) -> Any:
    """What a template means by ``value.key``.  Raises :class:`Undefined`."""
    try:
        return value[key] if value.__class__ is dict else getattr(value, key)
    except (KeyError, AttributeError):
        what = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        raise Undefined(f"'{what} object' has no attribute {key!r}") from None


# --- the build --------------------------------------------------------------------------------


class Untranslatable(Exception):
    """A template has something in it that templates may not have."""


def environment(root: str) -> Environment:
    """Jinja2 as the templates want it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(root),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        auto_reload=False,
    )


def module(root: str = ROOT) -> str:
    """The text of the module with one function for each template under ``root``.

    Raises :class:`Untranslatable`, or what Jinja2 raises for a template that it can't parse.
    """
    jinja = environment(root)
    templates = sorted(jinja.list_templates(filter_func=lambda path: path.endswith(".j2")))
    folder = os.path.basename(root)
    out = ["from imsgen.generator.translate import attribute as a", _IMPORT]
    entries = []
    for template in templates:
        with open(os.path.join(root, template), encoding="utf-8") as file:
            lines, included = translate(jinja, template, file.read())
        out += ["", "", *lines]
        sources = {f"{folder}/{t}": ahead.digest(f"{folder}/{t}") for t in [template, *included]}
        entries.append(f"    {template!r}: ({_function(template)}, {sources!r}),")
    return "\n".join([*out, "", "", "TEMPLATES = {", *entries, "}", ""])


_IMPORT = "from imsgen.generator.translate import name as n"


def _function(template: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in template)


def translate(jinja: Environment, template: str, text: str) -> tuple[list[str], list[str]]:
    """The lines of a template's function, and the templates that it includes, in turn."""
    translator = _Translator(jinja, template)
    tree = jinja.parse(text, template)
    lines = [f"def {_function(template)}(c, out):", *translator.body(tree.body, {}, 1)]
    included: list[str] = []
    for other in translator.included:
        source = jinja.loader.get_source(jinja, other)[0] if jinja.loader else ""
        included += [other, *translate(jinja, other, source)[1]]
    return lines, included


class _Translator:
    """One template; ``scope`` maps loop variables to the Python variables that hold them."""

    def __init__(self, jinja: Environment, template: str) -> None:
        self.template = template
        self.globals = {*jinja.globals, "loop", "self", "super", "caller", "varargs", "kwargs"}
        self.included: list[str] = []
        self.loops = 0

    def body(self, parts: list[nodes.Node], scope: dict[str, str], depth: int) -> list[str]:
        """The statements for a list of nodes."""
        out = [line for part in parts for line in self.statement(part, scope, depth)]
        return out or [f"{_pad(depth)}pass"]

    def statement(self, node: nodes.Node, scope: dict[str, str], depth: int) -> Iterator[str]:
        from jinja2 import nodes

        pad = _pad(depth)
        if isinstance(node, nodes.Output):
            pieces = [self.piece(part, scope) for part in node.nodes]
            yield f"{pad}out += ({', '.join(pieces)},)"
        elif isinstance(node, nodes.If):
            yield f"{pad}if {self.value(node.test, scope)}:"
            yield from self.body(node.body, scope, depth + 1)
            for other in node.elif_:
                yield f"{pad}elif {self.value(other.test, scope)}:"
                yield from self.body(other.body, scope, depth + 1)
            if node.else_:
                yield f"{pad}else:"
                yield from self.body(node.else_, scope, depth + 1)
        elif isinstance(node, nodes.For):
            yield from self.loop(node, scope, depth)
        elif isinstance(node, nodes.Include):
            yield f"{pad}{self.include(node, scope)}"
        else:
            raise self.refuse(node)

    def loop(self, node: nodes.For, scope: dict[str, str], depth: int) -> Iterator[str]:
        from jinja2 import nodes

        if node.else_ or node.test or node.recursive or not isinstance(node.target, nodes.Name):
            raise self.refuse(node)
        if node.target.name in self.globals:
            raise self.refuse(node)
        self.loops += 1
        variable = f"v{self.loops}_{node.target.name}"
        yield f"{_pad(depth)}for {variable} in {self.value(node.iter, scope)}:"
        yield from self.body(node.body, {**scope, node.target.name: variable}, depth + 1)

    def include(self, node: nodes.Include, scope: dict[str, str]) -> str:
        from jinja2 import nodes

        if not isinstance(node.template, nodes.Const) or not node.with_context:
            raise self.refuse(node)
        if node.ignore_missing or not isinstance(node.template.value, str):
            raise self.refuse(node)
        self.included.append(node.template.value)
        added = "".join(f", {key!r}: {variable}" for key, variable in scope.items())
        context = f"{{**c{added}}}" if added else "c"
        return f"{_function(node.template.value)}({context}, out)"

    def piece(self, node: nodes.Node, scope: dict[str, str]) -> str:
        from jinja2 import nodes

        if isinstance(node, nodes.TemplateData):
            return repr(node.data)
        if isinstance(node, nodes.Not):
            raise self.refuse(node)
        return f"str({self.value(node, scope)})"

    def value(self, node: nodes.Node, scope: dict[str, str]) -> str:
        from jinja2 import nodes

        if isinstance(node, nodes.Name) and node.name not in self.globals:
            return scope.get(node.name) or f"n(c, {node.name!r})"
        if isinstance(node, nodes.Getattr) and node.attr not in _METHODS:
            return f"a({self.value(node.node, scope)}, {node.attr!r})"
        if isinstance(node, nodes.Not):
            return f"not {self.value(node.node, scope)}"
        raise self.refuse(node)

    def refuse(self, node: nodes.Node) -> Untranslatable:
        what = getattr(node, "name", getattr(node, "attr", ""))
        return Untranslatable(f"{self.template}:{node.lineno}: {type(node).__name__} {what}")


def _pad(depth: int) -> str:
    return "    " * depth
