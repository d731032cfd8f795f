# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene's way through a node, in a thread of its own: packed, uploaded, quoted, rendered, fetched. What happens is
put into a queue; the thread that owns Blender takes it out."""

import logging
import pathlib
import queue
import shutil
import threading
import uuid
from dataclasses import dataclass, field

from . import archive, jobs, words
from .connection import Node
from .events import FINAL, Follower
from .problem import Offline, Problem, Refused, Stop, Stopped
from .upload import upload

log = logging.getLogger(__name__)

# Kinds of findings that a person is shown before money moves.
SHOWN = ("refusal", "warning")
# States of a job that has a quote and is under way, or waits for its start.
QUOTED = ("quoted", "funding", "rendering", "settling")


@dataclass(frozen=True)
class Order:
    """What is asked for. All that Blender knows about it was asked before."""

    node: Node
    # Downloads go there.
    results: pathlib.Path
    # The scene file where its paths count from; `copy` is sent in its place, `scratch` is where there is room to work.
    scene: pathlib.Path | None = None
    copy: pathlib.Path | None = None
    scratch: pathlib.Path | None = None
    settings: dict = field(default_factory=dict)
    # In tokens, as a person typed it.
    budget: str = ""
    # In place of a scene: the name or id of a job that exists.
    job: str = ""


# What a run reports.


@dataclass(frozen=True)
class Stage:
    """What is being done, and how far. `total` is 0 where nobody knows."""

    name: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Question:
    """May these files travel, though they lie outside the scene's folder? The run waits for `answer`."""

    files: tuple


@dataclass(frozen=True)
class JobChanged:
    """The job as it is now."""

    summary: dict


@dataclass(frozen=True)
class Quoted:
    """The job's quote, what it is paid with, and what was found about the scene."""

    quote: dict
    decimals: int
    symbol: str
    findings: tuple


@dataclass(frozen=True)
class Fetched:
    """A finished file has come."""

    path: pathlib.Path
    output: dict


@dataclass(frozen=True)
class LineLost:
    """The node does not answer, and is tried again; or answers again, without a problem."""

    problem: Problem | None


@dataclass(frozen=True)
class Ended:
    """Nothing more comes. Without a problem the job was followed to its end, or was stopped."""

    problem: Problem | None = None


class Run:
    """One order on its way. Made and asked by the thread that owns Blender; `reports` is what it is told."""

    def __init__(self, order):
        self.reports = queue.SimpleQueue()
        self._order = order
        self._stop = Stop()
        self._answers = queue.SimpleQueue()
        self._quoted = False
        self._thread = threading.Thread(target=self._work, name="rayswarm-run", daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        """Ends it soon. A job that exists goes on at the node."""
        self._stop.set()
        self._answers.put(False)

    def answer(self, allowed):
        """Answers a Question."""
        self._answers.put(allowed)

    def _work(self):
        problem = tried(self._go)
        if self._order.scratch:
            shutil.rmtree(self._order.scratch, ignore_errors=True)
        self.reports.put(Ended(problem))

    def _go(self):
        order = self._order
        self._report("connecting")
        job = jobs.find(order.node, order.job, self._stop) if order.job else self._create()
        self.reports.put(JobChanged(job))
        if order.scratch:
            shutil.rmtree(order.scratch, ignore_errors=True)
        for summary in Follower(order.node, job["id"], self._stop, self._lost).summaries():
            self.reports.put(JobChanged(summary))
            if summary["state"] in QUOTED and not self._quoted:
                self._quote(job["id"])
            job = summary
        if job["state"] in FINAL:
            self._fetch(job["id"])

    def _report(self, name, done=0, total=0):
        self.reports.put(Stage(name, done, total))

    def _lost(self, problem):
        self.reports.put(LineLost(problem))

    def _create(self):
        order, settings = self._order, dict(self._order.settings)
        # Asked first: what the node or its wallet cannot do is known before anything is packed.
        if order.budget.strip():
            settings["budget"] = words.base_units(order.budget, jobs.wallet(order.node, self._stop)["token_decimals"])
        packed = self._pack()
        sent = upload(order.node, packed, order.scene.name, self._report, self._stop)
        return jobs.create(order.node, sent, settings, str(uuid.uuid4()), self._stop)

    def _pack(self):
        # Needs a module that only Blender brings.
        from .pack import packed

        order = self._order
        engines = jobs.describe(order.node, self._stop)["engines"]
        self._report("tracing")
        with packed(order.scene, order.copy, self._stop) as packer:
            refuse_newer(order, packer.saved_by(), engines)
            outside = packer.outside()
            if outside:
                self._ask(outside)
            target = order.scratch / "scene.zip"
            archive.write(packer.files(), target, self._report, self._stop)
        return target

    def _ask(self, outside):
        self.reports.put(Question(tuple(map(str, outside))))
        if not self._answers.get():
            raise Stopped

    def _quote(self, job):
        node = self._order.node
        wallet = jobs.wallet(node, self._stop)
        view = jobs.show(node, job, self._stop)
        findings = (view.get("facts") or {}).get("findings", ())
        shown = tuple(finding for finding in findings if finding["severity"] in SHOWN)
        quote = jobs.quote(node, job, self._stop)
        self.reports.put(Quoted(quote, wallet["token_decimals"], wallet["token_symbol"], shown))
        self._quoted = True

    def _fetch(self, job):
        order = self._order
        found = jobs.pictures(order.node, job, self._stop)
        for count, output in enumerate(found):
            self._report("fetching", count, len(found))
            self.reports.put(Fetched(jobs.fetch(order.node, job, output, order.results, self._stop), output))


def refuse_newer(order, saved, engines):
    """Refuses, before gigabytes travel, what the node would refuse after: a file newer than its every Blender."""
    known = [engine["version"] for engine in engines if engine["name"] == "blender"]
    series = [tuple(map(int, version.split(".")[:2])) for version in known]
    if not series or max(series) >= saved:
        return
    saved_by, newest = (".".join(map(str, version)) for version in (saved, max(series)))
    if order.copy:
        remedy = (
            f"send the file as it was saved by {newest} or earlier, without changes, or save it from Blender {newest}"
        )
    else:
        remedy = f"open it in Blender {newest}, check it there, save it and send that file"
    raise Refused.because(
        "newer_file",
        f"the scene is saved by Blender {saved_by}; the node renders with Blender {', '.join(known)}",
        remedy,
    )


class Call:
    """One call beside a run, in a thread of its own; `problems` gets what went wrong, or None."""

    def __init__(self, action):
        self.problems = queue.SimpleQueue()
        self._action = action
        threading.Thread(target=self._work, name="rayswarm-call", daemon=True).start()

    def _work(self):
        self.problems.put(tried(self._action))


def tried(action):
    """Does it and gives the problem it met with, if any. Nothing is raised: nobody hears what a thread raises."""
    try:
        action()
    except Stopped:
        return None
    except (Refused, Offline) as error:
        return error.problem
    except Exception as error:
        log.exception("the add-on has failed")
        return Problem("failed", "The add-on failed", f"{type(error).__name__}: {error}", "see Blender's console")
    return None
