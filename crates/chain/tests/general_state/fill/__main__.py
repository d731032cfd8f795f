"""Fills state tests for the hardforks of this chain: `fill LIST PUBLISHED FOLDER`.

LIST names files below PUBLISHED, the state tests of `ethereum/tests`; FOLDER gets one fixture file for each of them,
and those that this folder brings. Left out is what reads the hash of an earlier block, which a fixture cannot say.
"""

import json
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import calls
import fees
import novelties
import programs
from assembly import case
from case import HARDFORKS, Case
from published import Listed, read_cases, read_list
from spec import Fork


def sample() -> Iterable[Case]:
    """What `sample.json` beside this folder is a copy of, for tests of the tests."""
    yield case("a transfer with a log", "7 1 SSTORE 0 0 LOG0", gas=[100_000, 20_000], value=5)


OWN = {
    "novelties": novelties.cases,
    "calls": calls.cases,
    "fees": fees.cases,
    "programs": programs.cases,
    "sample": sample,
}


def write(target: Path, cases: Iterable[Case]) -> tuple[int, int]:
    """Writes a file of fixtures; says how many tests it has and how many were left out."""
    forks = {name: Fork(module) for name, module in HARDFORKS.items()}
    filled, left_out = {}, 0
    for asked in cases:
        if asked.name in filled:
            raise SystemExit(f"{target.name}: two tests are called {asked.name}")
        fixture = asked.fill(forks)
        if fixture is None:
            left_out += 1
        else:
            filled[asked.name] = fixture
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(filled, indent=1) + "\n")
    return len(filled), left_out


def write_published(job: tuple[Path, Listed, Path]) -> tuple[int, int]:
    """Fills a published file."""
    published, listed, folder = job
    return write(folder / "published" / listed.file, read_cases(published, listed))


def write_own(job: tuple[str, Path]) -> tuple[int, int]:
    """Fills a file of our own."""
    name, folder = job
    return write(folder / "own" / f"{name}.json", OWN[name]())


def main() -> None:
    """Fills all, on as many processes as there are cores."""
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    listing, published, folder = map(Path, sys.argv[1:])
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        own = workers.map(write_own, [(name, folder) for name in OWN])
        rest = workers.map(write_published, [(published, listed, folder) for listed in read_list(listing)])
        counts = [*own, *rest]
    filled, left_out = map(sum, zip(*counts, strict=True))
    print(f"filled {filled} state tests for {' and '.join(HARDFORKS)}; {left_out} read the hash of an earlier block")


if __name__ == "__main__":
    main()
