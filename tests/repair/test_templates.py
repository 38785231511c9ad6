"""Templates around the user's expressions."""

from __future__ import annotations

import pytest

from shape_magic.repair.templates import filled


@pytest.mark.parametrize(
    ("template", "text", "wanted"),
    [
        ("{}.reshape(-1, 784)", "x / 255", "(x / 255).reshape(-1, 784)"),
        ("{}[:, 1:]", "x", "x[:, 1:]"),
        ("{}[None]", "load()", "load()[None]"),
        ("{} - 1", "a + b", "(a + b) - 1"),
        ("np.array({})", "a + b", "np.array(a + b)"),
        ("[{}[0], {}[1]]", "-a", "[(-a)[0], (-a)[1]]"),
        ("{}[None]", "labels of train", "labels of train[None]"),
    ],
)
def test_an_expression_is_not_taken_apart(template: str, text: str, wanted: str) -> None:
    assert filled(template, text) == wanted
