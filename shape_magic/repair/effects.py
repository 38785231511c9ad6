"""Whether a statement may be run a second time, in a copy of the namespace, without anyone noticing.

A proof runs user code. It may compute, and it may call Keras, NumPy and their kin; it may not
read or write files, open sockets, draw, ask, wait or change what is not its own.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType

from shape_magic.capture.book import look_up
from shape_magic.source.declared import called
from shape_magic.untrusted import module_of

#: Libraries whose functions compute and do nothing else, but for the names below.
_PURE_LIBRARIES = frozenset(
    """
    builtins collections copy dataclasses fractions functools itertools keras math ml_dtypes numpy operator
    pandas random re scipy sklearn string tensorflow typing _operator _random jax torch datetime
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
#: Functions and methods, in whatever library, that reach outside or take long.
_IMPURE_NAMES = frozenset(
    """
    breakpoint compile_files delattr download dump eval exec exit export extractall from_pretrained fromfile
    genfromtxt get_file globals imread image_dataset_from_directory input load load_data load_dataset load_img
    load_model load_weights loadtxt locals memmap mkdir open plot_model quit read read_csv read_excel read_file
    read_json read_parquet remove rename rmdir rmtree save save_img save_model save_weights savetxt savez
    setattr show sleep system text_dataset_from_directory timeseries_dataset_from_directory to_csv to_excel
    to_json to_pickle tofile unlink urlopen write writelines __import__
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
#: Statements without a result that a proof can leave out: they show, store or set a seed.
_DROPPED = frozenset(
    """
    print display summary plot_model save save_weights show plot figure imshow title legend subplots savefig
    set_random_seed set_seed seed clear_session set_global_policy filterwarnings simplefilter collect info debug
    warning set_verbosity head describe
    """.split()  # noqa: SIM905 - a list of words reads best as text
)


@dataclass(frozen=True, slots=True)
class Impure:
    """Why a statement can't be part of a proof."""

    why: str


def reaches_outside(name: str) -> bool:
    """Whether functions and methods of this name are known to read, write or wait."""
    return name in _IMPURE_NAMES


def may_drop(statement: ast.stmt) -> bool:
    """Whether a statement only shows, stores or seeds, so that shapes are the same without it."""
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
    if not isinstance(value, ast.Call):
        return not any(isinstance(n, ast.Call) for n in ast.walk(value))
    return called(value) in _DROPPED and not _uses_model_inside(value)


def _uses_model_inside(call: ast.Call) -> bool:
    # print(model.predict(x).shape) uses the model: it is run, with a print that prints nothing
    return any(isinstance(n, ast.Call) for a in [*call.args, *(k.value for k in call.keywords)] for n in ast.walk(a))


def impurity(statement: ast.stmt, namespace: Mapping[str, object], defined: Mapping[str, ast.stmt]) -> Impure | None:
    """Why a statement can't be run in a proof; None when it can.

    ``defined`` holds the functions and classes that the proof's own statements define: their bodies
    are looked at where they are called.
    """
    own = {
        n.id
        for inner in ast.walk(statement)
        for item in (inner.items if isinstance(inner, ast.With) else ())
        for n in ([item.optional_vars] if isinstance(item.optional_vars, ast.Name) else [])
    }
    # What a ``with`` opens is made anew, whatever the name holds now; so is an array that a loop makes for each turn.
    own |= _made_inside(statement)
    known = {name: value for name, value in namespace.items() if name not in own} if own else namespace
    return next(_impurities(statement, known, defined, set()), None)


def _made_inside(statement: ast.stmt) -> set[str]:
    """Names that a compound statement gives nothing but new arrays and collections, before it changes those."""
    if not isinstance(statement, ast.For | ast.While | ast.If | ast.With | ast.Try):
        return set()
    stores: dict[str, list[tuple[int, bool]]] = {}
    made: set[int] = set()
    changed: dict[str, int] = {}
    for n in ast.walk(statement):
        if isinstance(n, ast.Assign):
            made |= {id(t) for t in n.targets if isinstance(t, ast.Name) and _is_new(n.value)}
        if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load):
            stores.setdefault(n.id, []).append((n.lineno, id(n) in made))
        elif isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store):
            # What is inside of a new collection may be somebody else's: there is no line above 0.
            line = n.lineno if isinstance(n.value, ast.Name) else 0
            name = _root(n)
            changed[name] = min(line, changed.get(name, line))
    return {
        name
        for name, line in changed.items()
        if (given := stores.get(name)) and all(new for _, new in given) and min(at for at, _ in given) < line
    }


def _root(target: ast.expr) -> str:
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Starred):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _is_new(value: ast.expr) -> bool:
    """Whether an expression gives an object that nobody else holds."""
    if isinstance(value, ast.Call):
        return called(value) in _MAKERS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


#: Functions whose result is a new array or collection, whatever they are given.
_MAKERS = frozenset(
    """
    zeros ones empty full zeros_like ones_like empty_like full_like copy deepcopy list dict set
    """.split()  # noqa: SIM905 - a list of words reads best as text
)


def _impurities(
    node: ast.AST,
    namespace: Mapping[str, object],
    defined: Mapping[str, ast.stmt],
    seen: set[str],
    nodes: Callable[[ast.AST], Iterator[ast.AST]] | None = None,
) -> Iterator[Impure]:
    for inner in (nodes or _run_now)(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in inner.decorator_list:
                yield from _decorator(decorator, namespace, defined, seen)
        elif isinstance(inner, ast.For | ast.comprehension):
            if isinstance(inner.iter, ast.Name) and hasattr(namespace.get(inner.iter.id), "__next__"):
                yield Impure(f"it takes from {inner.iter.id}")
        elif isinstance(inner, ast.Global | ast.Nonlocal | ast.Delete):
            yield Impure("it changes names outside itself")
        elif isinstance(inner, ast.Assign | ast.AugAssign):
            targets = inner.targets if isinstance(inner, ast.Assign) else [inner.target]
            yield from (Impure(why) for t in targets if (why := _changes(t, inner, namespace)))
        elif isinstance(inner, ast.Call):
            yield from _call(inner, namespace, defined, seen)


def _decorator(
    node: ast.expr, namespace: Mapping[str, object], defined: Mapping[str, ast.stmt], seen: set[str]
) -> Iterator[Impure]:
    """What a decorator does to what it is put on: it is a call."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Name) and node.id in defined:
        yield from _bodies(node.id, namespace, defined, seen)
        return
    target = look_up(node, namespace, vars(builtins))
    if target is None or not _is_pure(target, namespace):
        yield Impure("it is decorated")


def _run_now(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run with the statement: not the bodies of functions that it only defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for part in (*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)):
            yield from ast.walk(part)
        return
    if isinstance(node, ast.ClassDef):
        for part in (*node.decorator_list, *node.bases):
            yield from ast.walk(part)
        return
    todo = [node]
    while todo:
        at = todo.pop()
        yield at
        for child in ast.iter_child_nodes(at):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                todo.extend(child.decorator_list)
            else:
                todo.append(child)


def _changes(target: ast.expr, statement: ast.stmt, namespace: Mapping[str, object]) -> str | None:
    if isinstance(target, ast.Tuple | ast.List):
        return next((why for t in target.elts if (why := _changes(t, statement, namespace))), None)
    in_place = isinstance(statement, ast.AugAssign) and hasattr(_value(target, namespace), "__iadd__")
    if isinstance(target, ast.Name) and not in_place:
        return None
    root = _root(target)
    return f"it changes {root} in place" if root in namespace else None


def _value(target: ast.expr, namespace: Mapping[str, object]) -> object:
    return namespace.get(target.id) if isinstance(target, ast.Name) else None


def _call(
    call: ast.Call, namespace: Mapping[str, object], defined: Mapping[str, ast.stmt], seen: set[str]
) -> Iterator[Impure]:
    name = called(call)
    if isinstance(call.func, ast.Name) and name in defined:
        yield from _bodies(name, namespace, defined, seen)
        return
    target = look_up(call.func, namespace, vars(builtins))
    if target is next and call.args and isinstance(call.args[0], ast.Name) and call.args[0].id in namespace:
        yield Impure(f"it takes from {call.args[0].id}")
    if target is not None:
        if id(target) not in _stubbed_ids() and (name in _IMPURE_NAMES or not _is_pure(target, namespace)):
            yield Impure(f"it calls {name}")
        return
    if isinstance(call.func, ast.Attribute):
        yield from _method(call.func, namespace, defined, seen)


def _bodies(
    name: str, namespace: Mapping[str, object], defined: Mapping[str, ast.stmt], seen: set[str]
) -> Iterator[Impure]:
    """What the body of a function, or of a class' methods, does when it is called."""
    if name in seen:
        return
    seen.add(name)
    for statement in getattr(defined[name], "body", []):
        # Methods, and functions within functions: whoever gets them may call them.
        yield from _impurities(statement, namespace, defined, seen, ast.walk)


def _method(
    func: ast.Attribute, namespace: Mapping[str, object], defined: Mapping[str, ast.stmt], seen: set[str]
) -> Iterator[Impure]:
    """A method call: judged by what it is called on, as far as that can be told."""
    root: ast.expr = func.value
    while isinstance(root, ast.Attribute | ast.Subscript):
        root = root.value
    if isinstance(root, ast.Call):
        made = look_up(root.func, namespace, vars(builtins))
        if isinstance(made, type) and not _is_pure(made, namespace):
            yield Impure(f"it calls {func.attr} of a {made.__name__}")
        return
    owner = namespace.get(root.id) if isinstance(root, ast.Name) else None
    if owner is None:  # a local name: it holds what the other calls gave
        if func.attr in _IMPURE_NAMES and func.attr not in _STUBBED_METHODS:
            yield Impure(f"it calls {func.attr}")
    elif not _is_harmless(owner, func.attr):
        yield Impure(f"it calls {func.attr} of {getattr(root, 'id', 'an object')}")


def _is_harmless(owner: object, method: str) -> bool:
    """Whether a method of an object of the notebook leaves it as it is, or changes the proof's copy only."""
    if _is_keras_object(owner) and method in _STUBBED_METHODS:
        return True
    if method in _IMPURE_NAMES:
        return False
    if isinstance(owner, ModuleType):
        return owner.__name__.split(".")[0] in _PURE_LIBRARIES
    if isinstance(owner, type):
        return _is_pure(owner, {})
    kinds = {f"{module_of(c).split('.')[0]}.{c.__name__}" for c in type(owner).__mro__}
    if kinds & _ARRAYS:
        return method not in _IN_PLACE and not (method.endswith("_") and "torch.Tensor" in kinds)
    return bool(kinds & _COPIED) or _is_keras_object(owner)


#: What the proof's namespace holds as copies of its own, and what can't be changed at all.
_COPIED = frozenset(
    f"builtins.{name}" for name in ("str", "bytes", "int", "float", "tuple", "frozenset", "list", "dict", "set")
) | {
    "collections.deque",
    "numpy.Generator",
    "numpy.RandomState",
    "mtrand.RandomState",
    "random.Random",
    "_random.Random",
}
#: What the proof shares with the user.
_ARRAYS = frozenset({"numpy.ndarray", "numpy.generic", "pandas.DataFrame", "pandas.Series", "tensorflow.Tensor"}) | {
    # Each method gives a new data set.
    "tensorflow.DatasetV2",
    "jaxlib.ArrayImpl",
    "torch.Tensor",
}
_IN_PLACE = frozenset(
    """
    fill sort resize put itemset partition setflags byteswap setfield pop insert update drop_duplicates dropna fillna
    reset_index set_index rename sort_values sort_index replace
    """.split()  # noqa: SIM905 - a list of words reads best as text
)


#: Methods of a model that do nothing while a proof runs.
_STUBBED_METHODS = frozenset({"save", "save_weights", "load_weights", "export", "summary"})


def _stubbed_ids() -> set[int]:
    """Functions that do nothing while a proof runs."""
    import keras

    names = ("set_random_seed", "clear_session", "plot_model")
    return {id(f) for name in names if (f := getattr(keras.utils, name, None)) is not None}


def _is_pure(target: object, namespace: Mapping[str, object]) -> bool:
    if isinstance(target, FunctionType) and (target.__globals__ is namespace or target.__module__ == "builtins"):
        return False  # a function of the notebook whose source is not among the proof's statements
    module = getattr(target, "__module__", None) or getattr(getattr(target, "__self__", None), "__module__", None)
    if module is None:
        module = type(getattr(target, "__self__", target)).__module__
    return str(module).split(".")[0] in _PURE_LIBRARIES or (isinstance(target, type) and _is_keras_class(target))


def _is_keras_object(value: object) -> bool:
    return _is_keras_class(type(value))


def _is_keras_class(target: type) -> bool:
    return any(module_of(cls).startswith("keras.") for cls in target.__mro__)
