"""What a tool is."""

from __future__ import annotations

import json
from typing import Any

from bottega_guest.agent import _answered
from bottega_guest.message import Refusal


class Tool:
    """A tool. Each call meets a fresh instance, so it has no state.

    `name` is of lower-case letters, digits and `_`; `about` says what it does and when to use it, as a model should read
    it; `schema` is the JSON Schema of its arguments.
    """

    name: str
    about: str
    schema: dict[str, Any]

    def call(self, arguments: dict[str, Any]) -> str:
        """Does it, with arguments that follow the schema. A `Refusal` is what the model reads instead of an answer."""
        raise NotImplementedError


def callable_tool(kind: type[Tool]) -> type:
    """Puts a tool behind the interface `callable`. The module that is built names the outcome `Callable`."""

    class Callable:
        def describe(self):
            from wit_world.imports.types import Description

            return Description(kind.name, kind.about, json.dumps(kind.schema))

        def call(self, arguments: str) -> str:
            return _answered(lambda: kind().call(_object(arguments)))

    return Callable


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Refusal(f"the arguments are no JSON: {error}") from None
    if not isinstance(value, dict):
        raise Refusal("the arguments must be an object")
    return value
