# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as it changes: the node's stream of server-sent events, taken up again where it was lost."""

import json
from dataclasses import dataclass

from .problem import Offline

# The node says something at least every 15 seconds; a longer silence means that the line is dead.
SILENCE_S = 45
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15
FINAL = ("done", "cancelled", "failed")


@dataclass
class Event:
    """One event: its name, its text, and the number to go on from."""

    name: str = "message"
    data: str = ""
    id: str = ""


def parse(lines):
    """The events in lines of bytes. What is cut off by the end is no event."""
    event, data = Event(), []
    for line in lines:
        line = line.decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            if data:
                event.data = "\n".join(data)
                yield event
            event, data = Event(), []
            continue
        # A line that begins with a colon is a comment: the node is alive.
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            event.name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            event.id = value


class Follower:
    """Follows one job. `lost(problem)` is told when the line is lost, and `lost(None)` when it is there again."""

    def __init__(self, node, job, stop, lost):
        self._node, self._job, self._stop, self._lost = node, job, stop, lost
        self._last = ""
        self._pause = FIRST_PAUSE_S

    def summaries(self):
        """Yields what the job is like, now and whenever it changes, until it is final."""
        while True:
            try:
                for summary in self._until_lost():
                    yield summary
                    if summary["state"] in FINAL:
                        return
            except Offline as offline:
                self._lost(offline.problem)
            self._stop.wait(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE_S)

    def _until_lost(self):
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": self._last} if self._last else {})}
        with self._node.open("GET", f"/v1/events?job={self._job}", headers=headers, timeout=SILENCE_S) as stream:
            # Asked while the stream is open already, so that nothing falls between the two.
            yield self._ask()
            self._pause = FIRST_PAUSE_S
            self._lost(None)
            with self._node.lines_lost():
                for event in parse(self._lines(stream)):
                    self._last = event.id or self._last
                    if event.name == "reset":
                        yield self._ask()
                    elif event.name == "job":
                        yield json.loads(event.data)

    def _ask(self):
        return self._node.call("GET", f"/v1/jobs/{self._job}")

    def _lines(self, stream):
        for line in stream:
            self._stop.check()
            yield line
