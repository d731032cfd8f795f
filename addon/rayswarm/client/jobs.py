# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls about jobs."""

import os
import pathlib
import urllib.parse

from .connection import repeated
from .problem import Offline, Refused

COPY_BYTES = 1 << 20
PARTIAL = 206


def create(node, upload, settings, key, stop):
    """Makes a job of an upload; it is analysed, probed and then waits as `quoted`. Asking again with the same key gives
    the same job."""
    wanted = {"scene": {"upload": upload}, **settings}
    return repeated(lambda: node.call("POST", "/v1/jobs", wanted, headers={"Idempotency-Key": key}), stop)


def show(node, job, stop):
    """Everything about a job."""
    return repeated(lambda: node.call("GET", f"/v1/jobs/{job}"), stop)


def quote(node, job, stop):
    """Price and time of a job."""
    return repeated(lambda: node.call("GET", f"/v1/jobs/{job}/quote"), stop)


def start(node, job):
    """Accepts the quote."""
    return node.call("POST", f"/v1/jobs/{job}/start", {})


def cancel(node, job):
    """Ends a job early."""
    return node.call("POST", f"/v1/jobs/{job}/cancel", {})


def wallet(node, stop):
    """The node's wallet, which names the token that is paid with."""
    return repeated(lambda: node.call("GET", "/v1/wallet"), stop)


def describe(node, stop):
    """The node: its version and engines."""
    return repeated(lambda: node.call("GET", "/v1/node"), stop)


def find(node, text, stop):
    """The newest job whose name or id holds this text."""
    # The node compares digits, though it shows ids with a 0x in front.
    query = urllib.parse.urlencode({"q": text.removeprefix("0x"), "limit": 1})
    found = repeated(lambda: node.call("GET", f"/v1/jobs?{query}"), stop)["items"]
    if not found:
        raise Refused.because(
            "no_such_job",
            f"no job of the node has {text!r} in its name or id",
            "the studio and `rayswarm jobs list` show them",
        )
    return found[0]


def pictures(node, job, stop):
    """A job's finished frames and films, without raw pictures."""
    outputs = repeated(lambda: node.call("GET", f"/v1/jobs/{job}/outputs"), stop)["items"]
    return [output for output in outputs if output["kind"] != "raw"]


def fetch(node, job, output, folder, stop):
    """Downloads a file of a final job into `folder` and gives its path. What a lost line has brought is kept."""
    path = folder / pathlib.PureWindowsPath(output["name"]).name
    part = path.with_name(path.name + ".part")
    place = f"/v1/jobs/{job}/outputs/{output['index']}"
    repeated(lambda: fetch_rest(node, place, part, output["bytes"], stop), stop)
    os.replace(part, path)
    return path


def fetch_rest(node, place, part, size, stop):
    """Appends to `part` what it lacks of `size` bytes. Raises Offline where the line brings less."""
    there = part.stat().st_size if part.exists() else 0
    if there < size:
        headers = {"Range": f"bytes={there}-"} if there else None
        with node.lines_lost(), node.open("GET", place, headers=headers) as answer:
            with part.open("ab" if answer.status == PARTIAL else "wb") as file:
                while block := answer.read(COPY_BYTES):
                    stop.check()
                    file.write(block)
    # Reading block by block does not say whether the end was the file's or the line's.
    found = part.stat().st_size
    if found != size:
        raise Offline(node.address, f"{found} of {size} bytes came")
