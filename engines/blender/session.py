"""A warm Blender session: one process that keeps one scene in memory. Imported where `bpy` can be imported: the adapter
starts a Python or a Blender with `bootstrap.py`, which fetches these modules from standard input.

The first thing it does is to take standard output for the protocol and point Blender's prints at standard error.
"""

import os
import sys


def claim_stdout():
    """Returns a descriptor for the protocol; from then on everything Blender prints goes to standard error."""
    protocol = os.dup(1)
    os.set_inheritable(protocol, False)
    os.dup2(2, 1)
    return protocol


def on_one_processor():
    """Lets Blender start with one processor in sight, since its task pools are sized then and not by the render
    settings. Returns what undoes it; Cycles makes as many threads of its own as it is told.

    Scenes are then evaluated by one thread, which makes memory addresses repeat (address randomisation and hash seeds
    are off besides, see the adapter). Results do depend on them: the Bevel modifier adds up UVs in order of addresses.
    A session for finishing renders nothing; its denoiser and compositor get the whole pool.
    """
    everything = os.sched_getaffinity(0)
    if os.environ.get("RAYSWARM_PURPOSE") != "finishing":
        os.sched_setaffinity(0, {min(everything)})

    def release():
        for task in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(task), everything)

    return release


EVENTS = claim_stdout()
release = on_one_processor()

import bpy  # noqa: E402
import facts  # noqa: E402
import merged  # noqa: E402
from finish import Finisher  # noqa: E402
from load import load  # noqa: E402
from play import Player  # noqa: E402
from protocol import PROTOCOL, Channel, Refused  # noqa: E402
from references import missing, references  # noqa: E402
from settings import apply  # noqa: E402
from tile import prepare, render_tile  # noqa: E402
from usage import cpu_millis, usage  # noqa: E402


class Session:
    """One scene and what it is prepared for: rendering raw tiles or finishing. Changing over loads the file again, because both
    change the scene in ways that are not worth undoing."""

    def __init__(self, channel):
        self._channel = channel
        self._opened = None
        self._prepared = None
        self._scene = self._player = self._finisher = None

    def open(self, request):
        """Loads the scene and makes it ready, so that a scene that cannot be opened is known at once."""
        self._opened = request
        return {"device": self._prepare(request["purpose"])}

    def inspect(self, request):
        self._prepared = None
        scene = load(request["scene"])
        return facts.inspect(scene, request["settings"])

    def render(self, request):
        self._prepare("rendering")
        self._player.go(request["frame"], request.get("play_from"), lambda note: self._channel.progress(0, note))
        return render_tile(self._scene, request, self._channel)

    def finish(self, request):
        self._prepare("finishing")
        self._scene.frame_set(request["frame"])
        return {"files": self._finisher.finish(request)}

    def _prepare(self, purpose):
        if self._prepared == purpose:
            return None
        if self._opened is None:
            raise Refused("not_open", "no scene is open in this session", "send open first")
        self._prepared = None
        opened, settings = self._opened, self._opened["settings"]
        merged.stop()
        scene = load(opened["scene"])
        refuse_missing(scene, settings)
        device = apply(scene, settings, opened["threads"], opened["device"])
        if purpose == "rendering":
            prepare(scene, settings)
        else:
            self._finisher = Finisher(scene, settings)
        self._scene, self._player, self._prepared = scene, Player(scene), purpose
        return device


def refuse_missing(scene, settings):
    """Blender renders missing files magenta or black without an error."""
    gone = sorted(set(missing(references(scene))) - set(settings.get("allowed_missing", [])))
    if gone:
        raise Refused(
            "missing_files",
            f"files the scene needs are not there: {', '.join(gone[:5])}",
            "send the job again with them, or allow them by --allow-missing",
        )


def answer(session, channel, request):
    before = cpu_millis()
    operations = {"open": session.open, "inspect": session.inspect, "render": session.render, "finish": session.finish}
    try:
        operation = operations.get(request["op"])
        if operation is None:
            raise Refused("unknown_op", f"{request['op']!r} is no operation", "use an adapter of the same version")
        channel.ok(operation(request), usage(before))
    except Refused as refused:
        channel.error(refused, usage(before))
    except MemoryError as error:
        refused = Refused("out_of_memory", f"memory ran out: {error}", "give the session more memory", "transient")
        channel.error(refused, usage(before))
    except Exception as error:  # noqa: BLE001 — whatever a scene provokes must become an answer
        import traceback

        traceback.print_exc()
        refused = Refused("session_failed", f"{type(error).__name__}: {error}", "see the log", "transient")
        channel.error(refused, usage(before))


def main():
    release()
    channel = Channel(sys.stdin, EVENTS)
    channel.send("hello", protocol=PROTOCOL, engine_version=".".join(map(str, bpy.app.version)))
    session = Session(channel)
    while (request := channel.next()) is not None and request["op"] != "quit":
        answer(session, channel, request)
    # bpy hangs at a normal exit after a file was loaded.
    os._exit(0)


main()
