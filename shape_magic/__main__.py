"""The console command: ``shape_magic strip notebook.ipynb``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shape_magic import __version__
from shape_magic.errors import UsageError
from shape_magic.words import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0: done, 1: refused, with one sentence on stderr, 2: called wrongly."""
    options = _parser().parse_args(arguments)
    try:
        _strip(options)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shape_magic", description=say("strip.help.command"))
    parser.add_argument("--version", action="version", version=f"shape_magic {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="strip")
    strip = commands.add_parser("strip", help=say("strip.help.strip"), description=say("strip.help.strip"))
    strip.add_argument("notebook", type=Path, help=say("strip.help.notebook"))
    strip.add_argument("-o", "--output", type=Path, metavar="OUT", help=say("strip.help.output"))
    strip.add_argument("--force", action="store_true", help=say("strip.help.force"))
    return parser


def _strip(options: argparse.Namespace) -> None:
    from shape_magic.strip.notebooks import default_target, strip_file

    target = options.output or default_target(options.notebook)
    done = strip_file(options.notebook, target, force=options.force)
    print(say("strip.done", removed=done.removed, path=target))
    if done.needing:
        which = "one" if len(done.needing) == 1 else "many"
        print(say(f"strip.needs.{which}", cells=", ".join(map(str, done.needing))), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
