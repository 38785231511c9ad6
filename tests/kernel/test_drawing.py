"""How an exception is drawn while somebody has a say in it, and that nothing of that stays."""

from __future__ import annotations

from typing import Any

from shape_magic.kernel.drawing import Drawing


class Shell:
    """Draws into a list."""

    def __init__(self) -> None:
        self.drawn: list[object] = []

    def showtraceback(self, exc_tuple: Any = None, tb_offset: int | None = None) -> None:
        """Draw an exception."""
        self.drawn.append(exc_tuple[1] if exc_tuple else "the running one")


def drawn(error: BaseException) -> tuple[type[BaseException], BaseException, None]:
    """An exception as IPython hands it on."""
    return type(error), error, None


def test_it_is_heard_of_and_then_drawn() -> None:
    shell, heard = Shell(), list[BaseException | None]()
    drawing, error = Drawing(shell, heard.append), ValueError("told")
    shell.showtraceback(drawn(error), tb_offset=1)
    assert (heard, shell.drawn) == ([error], [error])
    drawing.end()
    drawing.end()
    shell.showtraceback(drawn(error))
    assert (heard, shell.drawn) == ([error], [error, error])
    assert "showtraceback" not in vars(shell)


def test_a_silent_one_draws_nothing() -> None:
    shell = Shell()
    drawing = Drawing(shell, None)
    shell.showtraceback(drawn(ValueError()))
    assert shell.drawn == []
    drawing.end()
    shell.showtraceback(drawn(ValueError()))
    assert len(shell.drawn) == 1


def test_what_others_have_put_there_stays() -> None:
    shell, others = Shell(), list[Any]()
    vars(shell)["showtraceback"] = others.append
    theirs = shell.showtraceback
    drawing = Drawing(shell, lambda error: None)
    shell.showtraceback(drawn(KeyError()))
    assert len(others) == 1
    drawing.end()
    assert shell.showtraceback is theirs
    again = Drawing(shell, lambda error: None)
    vars(shell)["showtraceback"] = print
    again.end()
    assert vars(shell)["showtraceback"] is print


def test_one_within_another_gives_back_the_outer_one() -> None:
    shell, heard = Shell(), list[str]()
    outer = Drawing(shell, lambda error: heard.append("outer"))
    inner = Drawing(shell, None)
    inner.end()
    shell.showtraceback(drawn(ValueError()))
    outer.end()
    assert (heard, len(shell.drawn)) == (["outer"], 1)


def test_one_that_ends_below_another_is_not_given_back() -> None:
    shell = Shell()
    outer = Drawing(shell, lambda error: None)
    silent = Drawing(shell, None)
    outer.end()
    inner = Drawing(shell, lambda error: None)
    inner.end()
    shell.showtraceback(drawn(ValueError()))
    assert shell.drawn == []
    silent.end()
    assert "showtraceback" not in vars(shell)
    shell.showtraceback(drawn(ValueError()))
    assert len(shell.drawn) == 1
