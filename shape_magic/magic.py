"""``%shapecheck`` and ``%%shapecheck``: parse, ask the notebook's watch, show."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from shape_magic.kernel import options as opts
from shape_magic.kernel.cells import magic_line, without_magic_line
from shape_magic.kernel.notebook import Notebook
from shape_magic.settings import ShapeMagic
from shape_magic.untrusted import module_of
from shape_magic.words import say, use


@magics_class
class ShapeMagics(Magics):
    """The magic in a shell, with its watch over the cells."""

    shell: Any

    def __init__(self, shell: Any, settings: ShapeMagic) -> None:
        super().__init__(shell)
        self.settings = settings
        self.notebook = Notebook(shell, settings)
        self._unwrapping = False

    @no_var_expand
    @line_cell_magic
    def shapecheck(self, line: str, cell: str | None = None) -> None:
        """Check the tensor shapes of Keras models, from the data to the labels."""
        options = opts.parse(line)
        if options.hint:
            print(self.notebook.next_hint())
        elif options.rules or options.explain:
            print(rules_text() if options.rules else explained(str(options.explain)))
        elif cell is not None:
            self._cell(options, line, cell)
        elif options.words in (("on",), ("off",)):
            self._require(options)
            self.settings.always = options.words == ("on",)
            self.notebook.standing = replace(options, words=()) if self.settings.always else opts.Options()
            print(say(f"magic.{options.words[0]}"))
        elif options.words:
            self.notebook.show(self._checked(options), static=options.static)
        else:
            report = self.notebook.explain()
            if report is None:
                raise opts.refused("magic.nothing_failed")
            self.notebook.show(report)

    shapecheck.__doc__ = opts.parser().format_help()

    def take_off(self, lines: list[str]) -> list[str]:
        """An input transformer: the ``%%shapecheck`` line goes, so that the cell runs as any other.

        It stays where the registered magic has to answer: for help, for options that are wrong, for
        what runs no cell, and inside a cell that runs already (``%%time`` above ``%%shapecheck``).
        """
        raw = "".join(lines)
        line = magic_line(raw)
        if line is None or line.startswith("?") or (self.notebook.running and not self._unwrapping):
            return lines
        try:
            options = opts.parse(line)
            self._require(options)
        except UsageError:
            return lines
        if not options.runs_the_cell:
            return lines
        return without_magic_line(raw).splitlines(keepends=True) or ["\n"]

    def _require(self, options: opts.Options) -> None:
        """What an option names must be there; raises ``UsageError``."""
        for word in (*options.inputs, *options.targets):
            opts.shape_given(word, self.shell.user_ns)
        if options.loss is not None:
            _require_loss(options.loss)

    def _cell(self, options: opts.Options, line: str, cell: str) -> None:
        if options.fix is not None:
            self._write_fix(options.fix, cell)
            return
        self._require(options)
        if options.words:
            raise opts.refused("magic.error.option", why=" ".join(options.words))
        # Nested use, as under another cell magic: the body runs as a cell of its own.
        self._unwrapping = True
        try:
            result = self.notebook.run_nested(f"%%shapecheck {line}\n{cell}")
        finally:
            self._unwrapping = False
        result.raise_error()

    def _checked(self, options: opts.Options) -> Any:
        from shape_magic.api import check

        namespace = self.shell.user_ns
        name, *data = options.words
        model = opts.array_given(name, namespace)
        _require_model(name, model)
        given = [opts.array_given(n, namespace) for n in data]
        x = given[0] if given else next(iter(_given(options.inputs, namespace)), None)
        y = given[1] if len(given) > 1 else next(iter(_given(options.targets, namespace)), None)
        if options.loss is not None:
            _require_loss(options.loss)
        return check(
            model, x, y, loss=options.loss, names=(name, *data), namespace=namespace, session=self.notebook.session
        )

    def _write_fix(self, number: int, cell: str) -> None:
        from shape_magic.display.cards import numbered_fixes
        from shape_magic.display.disclosure import mode as disclosed

        if disclosed() != "on":
            raise opts.refused(f"hint.held.{disclosed()}")
        report = self.notebook.last_report
        wanted = cell.strip()
        known = report is not None and any(without_magic_line(s).strip() == wanted for s in report.sources.values())
        if report is None or not known:
            from shape_magic.api import check_cells
            from shape_magic.repair.copies import copied

            report = check_cells([cell], copied(self.shell.user_ns, {}), dry_run=True)
        fixes = {n: fix for n, _, fix in numbered_fixes(report)}
        fix = fixes.get(number)
        if fix is None or fix.source is None or fix.cell is None:
            raise opts.refused("magic.error.no_fix", n=number)
        if without_magic_line(report.sources[fix.cell]).strip() != wanted:
            print(say("magic.fix_elsewhere", label=report.labels[fix.cell], text=fix.source))
            return
        self.shell.set_next_input(without_magic_line(fix.source), replace=True)
        print(say("magic.fix_written", title=fix.title))


def _given(words: tuple[str, ...], namespace: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(opts.shape_given(w, namespace) for w in words)


def _require_model(name: str, model: Any) -> None:
    from shape_magic.backend import require_keras

    require_keras()
    import keras

    if issubclass(type(model), keras.Model):
        return
    old = any(module_of(c).split(".")[0] == "tf_keras" for c in type(model).__mro__)
    message = "magic.error.old_keras" if old else "magic.error.no_model"
    raise opts.refused(message, name=name, kind=type(model).__name__)


def _require_loss(name: str) -> None:
    if not name.isidentifier():
        raise opts.refused("magic.error.loss_unknown", name=name)
    from shape_magic.backend import require_keras

    require_keras()
    import keras

    try:
        keras.losses.get(name)
    except (ValueError, TypeError):
        raise opts.refused("magic.error.loss_unknown", name=name) from None


def rules_text() -> str:
    """Every rule with its first sentence."""
    from shape_magic.rules import RULES, documentation

    width = max(len(r.name) for r in RULES)
    return "\n".join(f"{r.name:{width}}  {documentation(r.name).splitlines()[2]}" for r in RULES)


def explained(name: str) -> str:
    """A rule's documentation; raises ``UsageError`` for a name that is no rule.

    Where fixes are not given, neither are those of its examples.
    """
    from shape_magic.display.disclosure import mode as disclosed
    from shape_magic.rules import RULES, documentation

    if name not in {r.name for r in RULES}:
        raise opts.refused("magic.error.no_rule", name=name)
    page = documentation(name)
    if disclosed() == "on":
        return page
    return re.sub(r"^## (Fixed cell|Fix safety)\n(?:(?!## ).*\n?)*", "", page, flags=re.MULTILINE).rstrip() + "\n"


# -- the extension


def _complete(shell: Any, event: Any) -> list[str]:
    """The options and the names of models, for the Tab key."""
    import sys

    keras = sys.modules.get("keras")
    models = [
        k for k, v in shell.user_ns.items() if keras and issubclass(type(v), keras.Model) and not k.startswith("_")
    ]
    return ["on", "off", *models, *(a for action in opts.parser()._actions for a in action.option_strings)]


def load_ipython_extension(shell: Any) -> None:
    """Add the magic to a shell; nothing of Keras is imported."""
    if _loaded(shell) is not None:
        return
    settings = ShapeMagic.instance(parent=shell)
    magics = ShapeMagics(shell, settings)
    shell.register_magics(magics)
    shell.input_transformers_cleanup.append(magics.take_off)
    for event, callback in _callbacks(magics):
        shell.events.register(event, callback)
    for key in ("%shapecheck", "%%shapecheck"):
        shell.set_hook("complete_command", _complete, str_key=key)
    if settings not in shell.configurables:
        shell.configurables.append(settings)


def unload_ipython_extension(shell: Any) -> None:
    """Leave the shell as it was before ``load_ipython_extension``."""
    magics = _loaded(shell)
    if magics is None:
        return
    for event, callback in _callbacks(magics):
        shell.events.unregister(event, callback)
    magics.notebook.close()
    shell.input_transformers_cleanup.remove(magics.take_off)
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("shapecheck", None)
    del shell.magics_manager.registry[ShapeMagics.__name__]
    for key in ("%shapecheck", "%%shapecheck"):
        shell.strdispatchers["complete_command"].strs.pop(key, None)
    ours = (magics, magics.settings)
    shell.configurables[:] = [c for c in shell.configurables if not any(c is one for one in ours)]
    ShapeMagic.clear_instance()
    use()  # what the settings chose goes with them


def _callbacks(magics: ShapeMagics) -> list[tuple[str, Callable[[Any], None]]]:
    notebook = magics.notebook
    ends = [("post_run_cell", callback) for callback in (notebook.post_run_cell, notebook.settle)]
    return [("pre_run_cell", notebook.pre_run_cell), *ends]


def _loaded(shell: Any) -> ShapeMagics | None:
    found = shell.magics_manager.registry.get(ShapeMagics.__name__)
    return found if isinstance(found, ShapeMagics) else None
