# SPDX-License-Identifier: GPL-3.0-or-later
"""Money, times and sizes as people read them, always with their unit."""

import re

from .problem import Refused

DIGITS_SHOWN = 4
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def amount(base_units, decimals, symbol):
    """Base units as tokens, rounded down; amounts too small to show read `< 0.0001`."""
    units, one = int(base_units), 10**decimals
    fraction = f"{units % one:0{decimals}d}"[:DIGITS_SHOWN].rstrip("0") if decimals else ""
    if units and not units // one and not fraction:
        return f"< 0.{'1':0>{DIGITS_SHOWN}} {symbol}"
    return f"{units // one:,}{'.' if fraction else ''}{fraction} {symbol}"


def base_units(text, decimals):
    """What a person typed, in tokens, as the node wants it."""
    match = re.fullmatch(r"(\d+)(?:[.,](\d+))?", text.strip())
    if not match or len(match[2] or "") > decimals:
        raise Refused.because("bad_budget", f"{text!r} is no amount of tokens", "write it like 12 or 0.5")
    return str(int(match[1] + (match[2] or "").ljust(decimals, "0")))


def span(seconds):
    """A time by its two largest units: `1 h 04 min`, `42 s`."""
    seconds = round(seconds)
    if seconds < MINUTE_S:
        return f"{seconds} s"
    if seconds < HOUR_S:
        return f"{seconds // MINUTE_S} min {seconds % MINUTE_S:02} s"
    if seconds < DAY_S:
        return f"{seconds // HOUR_S} h {seconds % HOUR_S // MINUTE_S:02} min"
    return f"{seconds // DAY_S} d {seconds % DAY_S // HOUR_S} h"


def size(count):
    """Bytes in the largest unit that leaves a whole number."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
