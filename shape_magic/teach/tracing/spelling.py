"""The arguments of a layer as a person writes them: the fewest that make it, those without a default by position."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from shape_magic.teach.recipe import Config


def shortest(cls: Any, config: Config) -> tuple[list[Any], dict[str, Any]]:
    """The fewest arguments that make an object with this configuration; those without a default by position."""
    parameters = _parameters(cls)
    usable = {k: v for k, v in config.items() if k in parameters or _takes_any(cls)}
    required = [k for k, p in parameters.items() if p.default is p.empty and k in usable]
    wanted = _config_of(cls, usable)
    kept = {k: _plainer(cls, usable, k, wanted) for k in usable}
    for key in [k for k in usable if k not in required]:
        fewer = {k: v for k, v in kept.items() if k != key}
        if _config_of(cls, fewer) == wanted:
            kept = fewer
    front = list(parameters)
    # What stands first is known without its name: the pool's size, the rate.
    positional = required if front[: len(required)] == required else []
    positional = positional or [k for k in front[:1] if k in kept]
    return [kept[k] for k in positional], {k: v for k, v in kept.items() if k not in positional}


def _plainer(cls: Any, given: Mapping[str, Any], key: str, wanted: Any) -> Any:
    """One number for a window that is the same along every axis, where the class takes it so."""
    value = given[key]
    square = isinstance(value, list) and len(value) > 1 and len({json.dumps(v) for v in value}) == 1
    if square and isinstance(value[0], int) and _config_of(cls, {**given, key: value[0]}) == wanted:
        return value[0]
    return value


def _parameters(cls: Any) -> dict[str, inspect.Parameter]:
    return {
        name: p
        for name, p in list(inspect.signature(cls.__init__).parameters.items())[1:]
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }


def _takes_any(cls: Any) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(cls.__init__).parameters.values())


def _config_of(cls: Any, arguments: Mapping[str, Any]) -> Any:
    """The configuration that arguments lead to; None where they are refused."""
    try:
        made = cls.from_config(dict(arguments)) if hasattr(cls, "from_config") else cls(**arguments)
        config = {k: v for k, v in made.get_config().items() if k != "name"}
        return json.loads(json.dumps(config))
    except Exception:  # noqa: BLE001 - an argument that is needed is missing
        return None
