"""The data contract: every report obeys schema.json, and what breaks the promise is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from tests import samples

SCHEMA: dict[str, Any] = json.loads(files("shape_magic").joinpath("schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
Path = tuple[str | int, ...]

_LAYER = (
    *("call", "index", "layer", "class", "path", "inputs", "arguments", "summary", "input_shapes"),
    *("output_shape", "input_axes", "axes", "params", "bytes", "span"),
)
_SPAN = ("cell", "start_line", "start_col", "end_line", "end_col")
#: The keys that other tools count on, by place: written out here so that the schema can't forget one.
PROMISED: dict[Path, tuple[str, ...]] = {
    (): ("schema", "ok", "models", "diagnostics"),
    ("models", 0): ("name", "keras_name", "kind", "params", "bytes", "layers", "contract"),
    ("models", 0, "layers", 4): _LAYER,
    ("models", 0, "layers", 4, "span"): _SPAN,
    ("models", 0, "contract"): ("x", "outputs", "loss", "metrics", "y"),
    ("models", 0, "contract", "x", 0): ("shape", "dtype", "facts"),
    ("models", 0, "contract", "y", 0): ("shape", "dtype", "facts"),
    ("models", 0, "contract", "y", 0, "facts"): ("min", "max", "integer", "one_hot"),
    ("diagnostics", 0): (
        *("rule", "severity", "model", "call", "span", "related", "title", "message", "values", "hints"),
        *("expected", "actual", "keras_message", "actions", "fixes"),
    ),
    ("diagnostics", 0, "span"): _SPAN,
    ("diagnostics", 0, "related", 0): (*_SPAN, "role"),
    ("diagnostics", 0, "fixes", 0): (
        *("title", "safety", "verified", "complete", "cell", "source", "edits", "rerun", "trains", "effect"),
    ),
    ("diagnostics", 0, "fixes", 0, "edits", 0): (*_SPAN, "text"),
    ("diagnostics", 0, "fixes", 0, "effect"): ("output_shape", "params", "layers"),
    ("diagnostics", 0, "fixes", 0, "effect", "layers", 5): _LAYER,
}
#: Values that are nearly right, by place in the seed's report.
WRONG: list[tuple[Path, object]] = [
    (("schema",), 2),
    (("ok",), True),
    (("ok",), "false"),
    (("models", 0, "kind"), "Subclass"),
    (("models", 0, "params"), -1),
    (("models", 0, "params"), None),
    (("models", 0, "layers", 0, "input_shapes"), [None, 28, 28, 1]),
    (("models", 0, "layers", 0, "output_shape"), "(None, 26, 26, 32)"),
    (("models", 0, "layers", 0, "output_shape"), [None, -2]),
    (("models", 0, "layers", 0, "output_shape", 1), 26.5),
    (("models", 0, "layers", 0, "output_shape", 1), True),
    (("models", 0, "layers", 0, "axes", 0), "rows"),
    (("models", 0, "layers", 0, "path"), []),
    (("models", 0, "layers", 0, "span", "start_line"), 0),
    (("models", 0, "contract", "loss"), [None]),
    (("models", 0, "contract", "y", 0, "facts", "one_hot"), 1),
    (("diagnostics", 0, "severity"), "fatal"),
    (("diagnostics", 0, "rule"), "Dense on feature map"),
    (("diagnostics", 0, "hints"), ["where", "what"]),
    (("diagnostics", 0, "fixes", 0, "safety"), "sure"),
    (("diagnostics", 0, "fixes", 0, "rerun"), [None]),
    (("diagnostics", 0, "fixes", 0, "edits", 0, "text"), None),
]


def at(data: Any, path: Path) -> Any:
    """The value at a path of keys and positions."""
    for step in path:
        data = data[step]
    return data


def complaints(data: Any) -> list[str]:
    """All messages of the validator, those inside an ``anyOf`` too."""
    errors = list(VALIDATOR.iter_errors(data))
    return [error.message for error in errors] + [inner.message for error in errors for inner in error.context or ()]


def seed() -> dict[str, Any]:
    """The seed's report as plain data, fresh."""
    return copy.deepcopy(samples.seed_with_labels().to_dict())


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", samples.ALL)
def test_every_sample_obeys_the_schema_also_after_json(name: str) -> None:
    data = samples.ALL[name]().to_dict()
    VALIDATOR.validate(data)
    assert json.loads(json.dumps(data)) == data


@pytest.mark.parametrize(("path", "key"), [(path, key) for path, keys in PROMISED.items() for key in keys])
def test_a_report_without_a_promised_key_is_refused(path: Path, key: str) -> None:
    data = seed()
    assert complaints(data) == []
    del at(data, path)[key]
    assert f"'{key}' is a required property" in complaints(data)


def required_keys(schema: Any) -> Iterator[str]:
    """Every key that some part of a schema requires."""
    if isinstance(schema, dict):
        if isinstance(schema.get("required"), list):
            yield from schema["required"]
        for part in schema.values():
            yield from required_keys(part)


def test_the_schema_requires_nothing_beyond_the_promise() -> None:
    promised = {key for keys in PROMISED.values() for key in keys} | {"kind", "title", "cell", "source", "edits"}
    assert set(required_keys(SCHEMA)) == promised


@pytest.mark.parametrize(("path", "value"), WRONG, ids=lambda part: str(part)[:50])
def test_a_nearly_right_value_is_refused(path: Path, value: object) -> None:
    data = seed()
    at(data, path[:-1])[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(data)


def test_a_report_that_is_not_ok_has_an_error_or_a_warning() -> None:
    data = samples.green().to_dict()
    data["ok"] = False
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(data)


@pytest.mark.parametrize("path", PROMISED)
def test_further_keys_are_allowed_everywhere(path: Path) -> None:
    data = seed()
    at(data, path)["a_key_of_tomorrow"] = {"anything": [1, None]}
    VALIDATOR.validate(data)


def test_an_action_needs_all_its_keys() -> None:
    for key in ("kind", "title", "cell", "source", "edits"):
        data = samples.seed_without_labels().to_dict()
        VALIDATOR.validate(data)
        del data["diagnostics"][0]["actions"][0][key]
        with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
            VALIDATOR.validate(data)


def closed(schema: Any) -> Any:
    """A schema in which every object refuses the keys that it does not describe."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copied = {key: closed(part) for key, part in schema.items()}
    # A span is also part of a larger object (an edit), which closes itself.
    if "properties" in schema and "type" in schema and schema is not SCHEMA["$defs"]["span"]:
        copied["unevaluatedProperties"] = False
    return copied


@pytest.mark.parametrize("name", ["seed_with_labels", "seed_without_labels", "long_names"])
def test_every_key_that_is_written_is_described(name: str) -> None:
    strict = jsonschema.Draft202012Validator(closed(SCHEMA))
    data = samples.ALL[name]().to_dict()
    strict.validate(data)
    data["models"][0]["layers"][0]["unheard_of"] = 1
    assert not strict.is_valid(data)
