"""A picture of the process' world, and what is different in another one.

``glance`` is what every test is held to: a millisecond, of what is imported already. ``picture`` looks at all
that a check could leave behind. What the user's own code changes, as random draws, layers and their names, is
compared in the tests of this folder with a run without us.
"""

from __future__ import annotations

import builtins
import gc
import logging
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

#: A part of the world, by what it is called in a difference: ``"keras.Model.fit"``.
Picture = dict[str, object]
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1)
_HOOKS = ("excepthook", "displayhook", "unraisablehook", "breakpointhook", "stdout", "stderr", "stdin")
_FILTERS = ("warn", "warn_explicit", "showwarning", "formatwarning", "_showwarnmsg")
#: Names that IPython puts among the builtins once and for all, and what pytest says of the running test.
_THEIRS = frozenset({"__IPYTHON__", "display", "get_ipython", "_"})
#: And where older C++ modules, TensorFlow's for one, keep what they share, once they are imported.
_SHARED = "__pybind11_internals"
_TEST = b"PYTEST_CURRENT_TEST"
_ABSENT = "(nothing)"
#: Packages that do something to the process when they are imported, and what they do.
_LARGE = (
    "IPython.core.completer",
    "ipykernel",
    "keras",
    "matplotlib",
    "numpy",
    "tensorflow",
    "ipywidgets",
    "jupyter_client",
)
_BY_IMPORTS = ("imported", "warnings.filters", "logging", "environment", "sys.meta_path", "sys.path_hooks", "signals")


@dataclass(frozen=True, slots=True, eq=False)
class Is:
    """An object that has to stay the very same."""

    it: object

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Is):
            return False
        # A method is bound anew each time that it is asked for.
        return self.it is other.it or (isinstance(self.it, MethodType) and self.it == other.it)

    def __hash__(self) -> int:
        return hash(type(self.it))

    def __repr__(self) -> str:
        return f"{self.it!r} at {id(self.it):#x}"


def differences(before: Picture, after: Picture, allowed: Iterable[str] = ()) -> list[str]:
    """What is not as it was, one line each; parts that begin with an allowed word are left out.

    A part that is in one of the pictures only was not looked at in the other: it is no difference.
    """
    found = [
        line
        for part in before.keys() & after.keys()
        if before[part] != after[part]
        for line in _told(part, before[part], after[part])
    ]
    left_out = (*allowed, *(_BY_IMPORTS if before["imported"] != after["imported"] else ()))
    return sorted(line for line in found if not line.startswith(left_out))


def _told(part: str, before: object, after: object) -> list[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = [n for n in before.keys() | after.keys() if before.get(n, _ABSENT) != after.get(n, _ABSENT)]
        return [f"{part}.{n}: was {_short(before.get(n, _ABSENT))}, is {_short(after.get(n, _ABSENT))}" for n in names]
    return [f"{part}: was {_short(before)}, is {_short(after)}"]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 300 else f"{text[:300]}…"


def glance() -> Picture:
    """What no test may change without saying so, as far as it can be seen in less than a millisecond."""
    seen: Picture = {"sys": _hooks(), "signals": _signals(), "warnings": _warnings(), "builtins": _builtins()}
    seen["environment"] = {k: v for k, v in os.environ._data.items() if k != _TEST}  # type: ignore[attr-defined]
    seen["folder"] = os.getcwd()  # noqa: PTH109 - a string is compared faster
    seen["logging"] = _logging()
    seen["imported"] = [name for name in _LARGE if name in sys.modules]
    seen["our threads"] = [t.name for t in _our_threads()]
    for look in (_ours, _keras, _tensorflow, _matplotlib, _ipython):
        seen |= look()
    return seen


def _our_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("shape_magic")]


def settle(seconds: float = 120.0) -> None:
    """Wait for threads that an earlier test has left: it has failed for them, and the ones after it need not."""
    end = time.monotonic() + seconds
    for thread in _our_threads():
        thread.join(max(0.0, end - time.monotonic()))


def stacks() -> list[str]:
    """Where the threads of ours are that still run."""
    frames = sys._current_frames()
    running = [(t.name, frames[t.ident]) for t in _our_threads() if t.ident in frames]
    return [f"{name} is at:\n{''.join(traceback.format_stack(frame))}" for name, frame in running]


def _hooks() -> dict[str, object]:
    seen: dict[str, object] = {name: Is(getattr(sys, name)) for name in _HOOKS}
    seen |= {"trace": Is(sys.gettrace()), "profile": Is(sys.getprofile())}
    seen |= {"threads' excepthook": Is(threading.excepthook), "threads' trace": Is(threading.gettrace())}
    seen |= {"collector": (gc.isenabled(), gc.get_threshold())}
    seen |= {"meta_path": [*map(Is, sys.meta_path)], "path_hooks": [*map(Is, sys.path_hooks)], "path": list(sys.path)}
    if sys.version_info >= (3, 12):
        seen["monitoring"] = [sys.monitoring.get_tool(number) for number in range(6)]
    return seen


def _signals() -> dict[str, object]:
    return {number.name: Is(signal.getsignal(number)) for number in _SIGNALS}


def _warnings() -> dict[str, object]:
    return {name: Is(getattr(warnings, name)) for name in _FILTERS} | {"filters": list(warnings.filters)}


def _builtins() -> dict[str, object]:
    return {
        name: value for name, value in vars(builtins).items() if name not in _THEIRS and not name.startswith(_SHARED)
    }


def _logging() -> dict[str, object]:
    root, ours = logging.getLogger(), logging.getLogger("shape_magic")
    # Those of pytest come and go with each phase of a test.
    handlers = [Is(h) for h in root.handlers if not type(h).__module__.startswith("_pytest")]
    return {
        "handlers": handlers,
        "level": root.level,
        "disabled": root.manager.disable,
        "ours": (list(map(Is, ours.handlers)), ours.level, ours.propagate, ours.disabled),
    }


def _ours() -> Picture:
    """What stands in other people's places while a check runs."""
    seen: Picture = {}
    hooks = sys.modules.get("shape_magic.capture.hooks")
    if hooks is not None:
        seen["our hooks"] = {"in Keras": hooks.installed(), "heard by": list(hooks._listening)}
    settings = sys.modules.get("shape_magic.settings")
    if settings is not None:
        seen["our settings"] = settings.ShapeMagic.initialized()
    return seen


def patched() -> dict[str, type]:
    """The classes of Keras that a check puts hooks into, or stubs, with all that they are built on."""
    import keras
    from keras.src.ops.operation import Operation
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    named = (keras.Sequential, keras.Model, keras.layers.InputLayer, keras.layers.RNN, BaseOptimizer, Operation)
    every = [cls for one in named for cls in one.__mro__ if cls is not object]
    return {f"{cls.__module__}.{cls.__qualname__}": cls for cls in every}


_classes: dict[str, type] = {}
#: Written by Python and by TensorFlow themselves, when somebody asks a class for what it is.
_LAZY = frozenset(
    {"__abstractmethods__", "_abc_impl", "__annotations__", "__annotations_cache__", "__static_attributes__"}
)


def _keras() -> Picture:
    keras = sys.modules.get("keras")
    if keras is None or not hasattr(keras, "Sequential"):
        return {}
    from keras.src.backend.common import global_state
    from keras.src.saving import object_registration

    _classes.update({} if _classes else patched())
    # Compared by identity first, so the dicts themselves cost next to nothing.
    seen: Picture = {
        f"class {name}": {k: v for k, v in vars(cls).items() if k not in _LAZY} for name, cls in _classes.items()
    }
    seen |= {f"functions of {name}": _running(cls) for name, cls in _classes.items()}
    state = vars(global_state.GLOBAL_STATE_TRACKER)
    policy = state.get("dtype_policy")
    seen["keras"] = {
        "dtype policy": getattr(policy, "name", None) or keras.config.floatx(),
        "floatx": keras.config.floatx(),
        "image_data_format": keras.config.image_data_format(),
        "custom object scope": dict(state.get("custom_objects_scope_dict") or {}),
        "stateless scope": Is(state.get("stateless_scope")),
        "symbolic scope": Is(state.get("symbolic_scope")),
        "traceback filtering": state.get("traceback_filtering"),
        "safe mode": state.get("safe_mode_saving"),
        "functions": {name: Is(getattr(module, name)) for module, name in _functions(keras)},
    }
    seen["keras' registered classes"] = dict(object_registration.GLOBAL_CUSTOM_OBJECTS)
    seen["keras' registered names"] = dict(object_registration.GLOBAL_CUSTOM_NAMES)
    return seen


def _running(cls: type) -> dict[str, object]:
    """What the functions of a class run, and what is noted on them."""
    found = ((name, getattr(one, "__func__", one)) for name, one in vars(cls).items() if name not in _LAZY)
    return {name: (one.__code__, *vars(one)) for name, one in found if isinstance(one, FunctionType)}


def _functions(keras: Any) -> list[tuple[Any, str]]:
    """Functions that do nothing in a proof."""
    return [
        (keras.utils, "set_random_seed"),
        (keras.utils, "clear_session"),
        (keras.config, "set_dtype_policy"),
        (keras.config, "set_floatx"),
    ]


def _tensorflow() -> Picture:
    ops, context = (sys.modules.get(f"tensorflow.python.{name}") for name in ("framework.ops", "eager.context"))
    if ops is None or context is None or not hasattr(context, "executing_eagerly"):
        return {}
    running = sys.modules.get("tensorflow.python.eager.polymorphic_function.eager_function_run")
    return {
        "tensorflow": {
            "graphs": len(ops._default_graph_stack.stack),
            "eager": context.executing_eagerly(),
            "device": context.context().device_name,
            "functions run eagerly": getattr(running, "RUN_FUNCTIONS_EAGERLY", False),
        }
    }


def _matplotlib() -> Picture:
    seen: Picture = {}
    matplotlib, helpers = sys.modules.get("matplotlib"), sys.modules.get("matplotlib._pylab_helpers")
    if matplotlib is not None and hasattr(matplotlib, "rcParams"):
        seen["matplotlib"] = dict(dict.items(matplotlib.rcParams))
    if helpers is not None:
        seen["open figures"] = list(helpers.Gcf.figs)
    return seen


def _ipython() -> Picture:
    module = sys.modules.get("IPython.core.interactiveshell")
    return {} if module is None else {"a shell": Is(module.InteractiveShell._instance)}


# The whole picture


def picture(shell: Any = None) -> Picture:
    """Everything that a check, or the extension in a shell, could leave behind. It imports nothing either."""
    seen = glance() | {"threads": sorted(t.name for t in threading.enumerate())}
    if os.path.isdir("/proc/self/fd"):  # noqa: PTH112
        seen["open files"] = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        seen["child processes"] = _children()
    cached = sys.modules["linecache"].cache
    seen["sources kept for tracebacks"] = sorted(name for name in cached if name.startswith("<shape_magic"))
    loggers = logging.getLogger().manager.loggerDict
    seen["loggers"] = {
        name: (one.level, one.disabled, list(map(Is, one.handlers)))
        for name, one in loggers.items()
        if isinstance(one, logging.Logger) and (one.handlers or one.level)
    }
    seen["importers"] = {name: Is(getattr(builtins, name)) for name in ("__import__", "__build_class__", "open")}
    return seen | (_shell(shell) if shell is not None else {})


def _children() -> list[str]:
    found: list[str] = []
    for task in os.listdir("/proc/self/task"):  # noqa: PTH208
        try:
            with open(f"/proc/self/task/{task}/children", encoding="ascii") as file:  # noqa: PTH123
                found += file.read().split()
        except FileNotFoundError:  # the thread has ended
            continue
    return sorted(found)


def _shell(shell: Any) -> Picture:
    """All that an extension can hang itself into."""
    magics, completer = shell.magics_manager, getattr(shell, "Completer", None)
    seen: Picture = {
        "the shell's attributes": {
            k: Is(v) for k, v in vars(shell).items() if not k.startswith("_") and k not in _COUNTED
        },
        "its settings": {k: v for k, v in shell.trait_values().items() if k in _SETTINGS},
        "its configuration": dict(shell.config),
        "its events": {name: list(called) for name, called in shell.events.callbacks.items()},
        "its transformers": {
            "cleanup": list(shell.input_transformer_manager.cleanup_transforms),
            "line": list(shell.input_transformer_manager.line_transforms),
            "token": list(shell.input_transformer_manager.token_transformers),
            "ast": list(shell.ast_transformers),
        },
        # By their names: IPython loads its own at their first use.
        "its line magics": dict.fromkeys(magics.magics["line"]),
        "its cell magics": dict.fromkeys(magics.magics["cell"]),
        "its configurables": [Is(c) for c in shell.configurables if not type(c).__module__.startswith("IPython.")],
        "its hooks": {k: [*map(Is, v)] if isinstance(v, list) else Is(v) for k, v in shell.hooks.items()},
        "its completions": {k: (set(v.strs), len(v.regexs)) for k, v in shell.strdispatchers.items()},
        "its exceptions": (shell.custom_exceptions, Is(shell.CustomTB)),
        "its aliases": sorted(name for name, _ in shell.alias_manager.aliases),
        "its names": {k for k in shell.user_ns if not k.startswith("_")},
    }
    seen["its formatters"] = {
        f"{kind} {table}": dict(getattr(formatter, table))
        for kind, formatter in shell.display_formatter.formatters.items()
        for table in ("type_printers", "singleton_printers", "deferred_printers")
    }
    if completer is not None:
        seen["its completer"] = (list(completer.custom_matchers), list(completer.matchers), completer.custom_completers)
    manager = getattr(getattr(shell, "kernel", None), "comm_manager", None)
    if manager is not None:
        seen["its comms"] = {"targets": dict(manager.targets)}
    return seen


#: What a shell counts as it goes.
_COUNTED = frozenset(
    """
    execution_count history_manager user_ns user_module user_ns_hidden tempfiles tempdirs last_execution_succeeded
    last_execution_result input_transformers_cleanup sys_excepthook
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
_SETTINGS = ("ast_node_interactivity", "autocall", "automagic", "colors", "xmode", "pdb", "autoindent", "autoawait")
