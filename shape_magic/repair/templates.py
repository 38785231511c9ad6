"""Expressions around what the user wrote: templates with ``{}`` for it."""

from __future__ import annotations

import ast

#: What no operator around it takes apart.
ATOMS = (
    ast.Name,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
)
_PLACE = "_the_users_expression_"


def filled(template: str, text: str) -> str:
    """The template with an expression in its place, in brackets where the template would take it apart."""
    try:
        is_atom = isinstance(ast.parse(text.strip(), mode="eval").body, ATOMS)
    except SyntaxError:
        is_atom = True  # words for what has no name in the cell
    return template.replace("{}", text if is_atom or not binds_tighter(template) else f"({text})")


def binds_tighter(template: str) -> bool:
    """Whether an operator in the place around the user's expression would take it apart."""
    try:
        tree = ast.parse(template.replace("{}", _PLACE), mode="eval")
    except SyntaxError:
        return True
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            if isinstance(child, ast.Name) and child.id == _PLACE:
                in_call = isinstance(parent, ast.Call) and child is not parent.func
                if not (in_call or isinstance(parent, ast.Expression | ast.keyword | ast.List)):
                    return True
    return False
