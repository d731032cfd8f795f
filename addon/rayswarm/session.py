# SPDX-License-Identifier: GPL-3.0-or-later
"""The run under way, as Blender's own thread knows it. A timer takes from the run's queue what has happened; without
timers, as in background mode, `pump` does the same."""

import pathlib
import tempfile
from dataclasses import dataclass, field

import bpy

from . import results
from .client import run
from .client.events import FINAL
from .client.problem import Problem

TICK_S = 0.2
# Of a burst of progress only so much is taken at a time, so that drawing is never held up.
REPORTS_MAX = 500


@dataclass
class Session:
    """A run and what it has told."""

    run: run.Run
    order: run.Order
    # The file that was open when it was sent: results of another are not loaded by themselves.
    opened: str
    stage: run.Stage = run.Stage("connecting")
    job: dict | None = None
    quoted: run.Quoted | None = None
    question: run.Question | None = None
    # Why it ended, or what a call beside it met with.
    problem: object = None
    lost: object = None
    ended: bool = False
    pictures: list = field(default_factory=list)
    # Where the person has put the pictures; else they are in a folder that goes away with Blender.
    kept: pathlib.Path | None = None
    calls: list = field(default_factory=list)

    @property
    def state(self):
        """The job's state; empty before there is a job."""
        return self.job["state"] if self.job else ""

    @property
    def is_final(self):
        return self.state in FINAL


current = None
# What `rayswarm.check` has found, and its call while it runs.
checked = ""
checking = None


def begin(order):
    """Starts an order, in place of what was before."""
    global current
    forget()
    current = Session(run.Run(order), order, bpy.data.filepath)
    current.run.start()
    listen()


def forget():
    """Lets go of the run; a job goes on at the node. Pictures stay until Blender ends: images may show them."""
    global current
    if current:
        current.run.stop()
    current = None


def call(action):
    """Makes a call beside the run, for instance to cancel its job."""
    current.problem = None
    current.calls.append(run.Call(action))
    listen()


def listen():
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=TICK_S, persistent=True)


def tick():
    """Called by Blender's timer; ends it when there is nothing to hear."""
    if pump():
        redraw()
    waiting = checking or (current and (not current.ended or current.calls))
    return TICK_S if waiting else None


def pump():
    """Takes what has happened. Says whether something has."""
    changed = pump_check()
    if not current:
        return changed
    for _ in range(REPORTS_MAX):
        if current.run.reports.empty():
            break
        hear(current, current.run.reports.get())
        changed = True
    for one in [one for one in current.calls if not one.problems.empty()]:
        current.calls.remove(one)
        current.problem = one.problems.get() or current.problem
        changed = True
    return changed


def hear(session, report):
    """Notes what a run reports."""
    match report:
        case run.Stage():
            session.stage = report
        case run.Question():
            session.question = report
        case run.JobChanged(summary):
            # The whole job is told now and then; between, what has changed.
            session.job = {"frame_numbers": [], **(session.job or {}), **summary}
        case run.Quoted():
            session.quoted = report
        case run.LineLost(problem):
            session.lost = problem
        case run.Fetched(path, output):
            session.pictures.append(results.Picture(path, output["kind"], output["frame"]))
        case run.Ended(problem):
            session.ended, session.question, session.lost = True, None, None
            session.problem = problem or problem_of(session.job)
            arrive(session)


def problem_of(job):
    """Why a job failed or was refused."""
    document = job and job.get("problem")
    return Problem.of_document(document) if document else None


def arrive(session):
    """Loads what has come, unless another file is open by now."""
    if not session.pictures or session.opened != bpy.data.filepath:
        return
    try:
        results.replace_render_result(results.load(session.pictures))
    except RuntimeError as error:
        # Blender cannot read it. It may be saved all the same.
        session.problem = Problem("not_loaded", "The picture cannot be loaded", str(error).strip())


def answer(allowed):
    """Answers the question that waits."""
    current.question = None
    current.run.answer(allowed)


def check(action):
    """Asks the node who it is; `action` gives a sentence."""
    global checked, checking
    checked, said = "", []
    checking = (run.Call(lambda: said.append(action())), said)
    listen()


def pump_check():
    global checked, checking
    if not checking or checking[0].problems.empty():
        return False
    call, said = checking
    problem = call.problems.get()
    checked = said[0] if said else f"{problem.detail}. {problem.next_step}"
    checking = None
    return True


def new_folder(purpose):
    """A folder that goes away with Blender."""
    return pathlib.Path(tempfile.mkdtemp(prefix=f"rayswarm-{purpose}-", dir=bpy.app.tempdir))


def redraw():
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("PROPERTIES", "PREFERENCES"):
                area.tag_redraw()


def register():
    pass


def unregister():
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    forget()
