"""``python -m shape_magic.words [CODE …]``: what the translations lack; all of them without a code."""

from __future__ import annotations

import sys

from shape_magic.words import DEFAULT, languages, translation


def main(codes: list[str]) -> int:
    """Print one line for each difference; 0 if there is none."""
    wrong = 0
    for code in codes or [code for code in languages() if code != DEFAULT]:
        if code not in languages():
            print(f"{code}: there is no shape_magic/words/{code}/common.toml; there are {', '.join(languages())}")
            wrong += 1
            continue
        found = list(translation.differences(code))
        print(*found, f"{code}: {len(translation.read(code))} texts, {len(found)} to mend", sep="\n")
        wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
