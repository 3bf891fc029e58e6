"""The JSON Schema of the model, made from its classes: the published file must say the same."""

from __future__ import annotations

import enum
import json
import types
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from imsgen.dsl import model
from imsgen.dsl.source import Span


def schema() -> str:
    """The text of ``dsl/model.schema.json``."""
    made: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:imsgen:model:{model.JSON_VERSION}",
        "title": "What `imsgen dump --json` prints",
        "description": "The devices of one file as they are after all rules have been applied.",
        "type": "object",
        "properties": {
            "version": {"const": model.JSON_VERSION},
            "devices": {"type": "array", "items": {"$ref": "#/$defs/Device"}, "minItems": 1},
        },
        "required": ["version", "devices"],
        "$defs": {},
    }
    defs = made["$defs"]
    defs["Span"] = {
        "description": "Line, column, end line and end column, from 1; the end is excluded. "
        "Behind them the name of the included file, where it isn't the device's own.",
        "type": "array",
        "prefixItems": [{"type": "integer", "minimum": 1}] * 4 + [{"type": "string"}],
        "minItems": 4,
        "maxItems": 5,
    }
    for name, cls in sorted(vars(model).items()):
        if is_dataclass(cls) and cls.__module__ == model.__name__:
            defs[name] = _object(name, cls)
    return json.dumps(made, indent=2) + "\n"


def _object(name: str, cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls)]
    return {
        "description": " ".join((cls.__doc__ or "").split("\n\n")[0].split()).replace("``", "`"),
        "type": "object",
        "properties": {"kind": {"const": name}, **{key: _type(hints[key]) for key in names}},
        "required": ["kind", *names],
        "additionalProperties": False,
    }


def _type(hint: Any) -> dict[str, Any]:
    if hint is Span:
        return {"$ref": "#/$defs/Span"}
    if hint in (str, int, bool, type(None)):
        names = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
        return {"type": names[hint], **({"minimum": 0} if hint is int else {})}
    if get_origin(hint) in (types.UnionType, Union):
        return {"anyOf": [_type(item) for item in get_args(hint)]}
    if get_origin(hint) is tuple:
        item, dots = get_args(hint)
        assert dots is ...
        return {"type": "array", "items": _type(item)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [item.value for item in hint]}
    assert is_dataclass(hint), hint
    return {"$ref": f"#/$defs/{hint.__name__}"}
