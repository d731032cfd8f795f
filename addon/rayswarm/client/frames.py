# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of frames as people write them: `1-48`, `1,5,9-20x2`. The node takes plain numbers."""

import re

from .problem import Refused

PART = re.compile(r"(-?\d+)(?:(?:-|\.\.)(-?\d+)(?:[x:](\d+))?)?")
# More than any job may have; keeps a mistyped `1-1000000000` from filling the memory.
FRAMES_MAX = 100_000


def parse(text):
    """The frames in ascending order, each once."""
    frames = set()
    for part in re.split(r"[\s,;]+", text.strip()):
        match = PART.fullmatch(part)
        if not match:
            raise refusal(f"{part!r} is no frame and no range of frames")
        first = int(match[1])
        last, step = int(match[2] or first), int(match[3] or 1)
        if last < first or step < 1:
            raise refusal(f"{part!r} counts backwards or nowhere")
        if (last - first) // step + len(frames) >= FRAMES_MAX:
            raise refusal(f"more than {FRAMES_MAX} frames")
        frames.update(range(first, last + 1, step))
    return sorted(frames)


def refusal(detail):
    return Refused.because("bad_frames", detail, "write frames like 1-48 or 1,5,9-20x2")


def runs(frames):
    """Ascending frames cut where their spacing changes: (first, last, step) of each run."""
    found, at = [], 0
    while at < len(frames):
        step = frames[at + 1] - frames[at] if at + 1 < len(frames) else 1
        end = at
        while end + 1 < len(frames) and frames[end + 1] - frames[end] == step:
            end += 1
        # Two frames far apart are no run of two.
        if end - at == 1 and step > 1:
            end, step = at, 1
        found.append((frames[at], frames[end], step))
        at = end + 1
    return found
