# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong: a node refuses (RFC 9457 problem documents) or does not answer, or a person has stopped it."""

import json
import threading
from dataclasses import dataclass

TEXT_CHARS_MAX = 300


@dataclass(frozen=True)
class Problem:
    """What failed, on which value, and what to do next. `kind` is a stable word for programs."""

    kind: str
    title: str
    detail: str
    next_step: str = ""
    status: int = 0

    @classmethod
    def of_document(cls, document):
        """That of a parsed problem document."""
        kind = str(document.get("type") or "about:blank")
        return cls(
            kind=kind,
            title=str(document.get("title") or kind.replace("_", " ").capitalize()),
            detail=str(document.get("detail") or ""),
            next_step=str(document.get("next_step") or ""),
            status=int(document.get("status") or 0),
        )

    @classmethod
    def of_answer(cls, status, reason, body):
        """That of an answer that is no success. One without a problem document comes from a proxy, or from no node."""
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if isinstance(document, dict) and "type" in document:
            return cls.of_document({**document, "status": status})
        return cls(
            kind="no_node",
            title=f"HTTP {status} {reason}".strip(),
            detail=body.decode("utf-8", "replace")[:TEXT_CHARS_MAX],
            next_step="check that the address is that of a Rayswarm node",
            status=status,
        )


class Refused(Exception):
    """The node answered, and refused; or this side refuses in its place."""

    def __init__(self, problem):
        super().__init__(problem.detail or problem.title)
        self.problem = problem

    @classmethod
    def because(cls, kind, detail, next_step=""):
        """A refusal that this side words."""
        return cls(Problem(kind, kind.replace("_", " ").capitalize(), detail, next_step))


class Offline(Exception):
    """The node did not answer: it is not running, or the network is down."""

    def __init__(self, address, cause):
        super().__init__(f"the node at {address} does not answer: {cause}")

    @property
    def problem(self):
        return Problem(
            "offline", "The node does not answer", str(self), "start it with `rayswarm up`, or check the address"
        )


class Stopped(Exception):
    """A person has stopped what was under way."""


class Stop:
    """Asked between steps whether a person has stopped them."""

    def __init__(self):
        self._event = threading.Event()

    def set(self):
        self._event.set()

    def check(self):
        """Raises Stopped after `set`."""
        self.wait(0)

    def wait(self, seconds):
        """Lets time pass; raises Stopped as soon as `set` is called."""
        if self._event.wait(seconds):
            raise Stopped
