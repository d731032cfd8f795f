"""The session's side of the protocol: one JSON object per line, requests in, events out (docs/protocol/session.md)."""

import json
import os
import time

PROTOCOL = 1
# A pipe reader is woken for every line; faster than this nobody can see progress move.
PROGRESS_SECONDS = 0.1


class Refused(Exception):
    """A request that cannot be honoured: said to the requestor in these words.

    `kind` is "permanent" (the same request can never succeed) or "transient" (another try may).
    """

    def __init__(self, code, message, remedy, kind="permanent"):
        super().__init__(message)
        self.code, self.message, self.remedy, self.kind = code, message, remedy, kind


class Channel:
    """Reads requests from a text stream and writes events to a descriptor."""

    def __init__(self, requests, events):
        self._requests = requests
        self._events = os.fdopen(events, "w", encoding="utf-8", buffering=1)
        self._id = 0
        self._last_progress = 0.0

    def next(self):
        """The next request, or None when the adapter has gone."""
        line = self._requests.readline()
        if not line:
            return None
        request = json.loads(line)
        self._id = request["id"]
        self._last_progress = 0.0
        return request

    def send(self, event, **fields):
        self._events.write(json.dumps({"id": self._id, "event": event, **fields}, separators=(",", ":")) + "\n")

    def progress(self, milli, note):
        """Tells that work goes on. Dropped when the last event is fresh: the next one says more."""
        now = time.monotonic()
        if now - self._last_progress >= PROGRESS_SECONDS:
            self._last_progress = now
            self.send("progress", milli=milli, note=note)

    def ok(self, result, usage):
        self.send("ok", result=result, **usage)

    def error(self, refused, usage):
        self.send(
            "error", kind=refused.kind, code=refused.code, message=refused.message, remedy=refused.remedy, **usage
        )
