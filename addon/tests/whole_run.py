# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist does, in headless Blender: `python whole_run.py ADDON NODE TOKEN SCENES RESULTS`.

Installs the built add-on, opens the scenes of make_scenes.py, sends them to a live node and looks at what comes back.
Timers do not run here, so what they call is called by hand."""

import importlib
import os
import pathlib
import sys
import time
import urllib.request
from types import SimpleNamespace

import bpy

PATIENCE_S = 300
MODULE = "bl_ext.user_default.rayswarm"
GREEN, RED, BLACK = (0, 1, 0), (1, 0, 0), (0, 0, 0)

addon, address, token, *folders = sys.argv[1:]
folder, results = map(pathlib.Path, folders)


def main():
    install()
    before = files_below(folder)
    still_of_the_saved_file()
    copy_of_the_changed_scene()
    animation()
    film()
    stopped()
    # Nothing was written beside the scenes, and they are what they were.
    assert files_below(folder) == before
    bpy.ops.preferences.addon_disable(module=MODULE)


def install():
    bpy.ops.extensions.package_install_files(filepath=addon, repo="user_default", enable_on_install=True)
    assert "No node is set up yet." in panel()
    preferences = bpy.context.preferences.addons[MODULE].preferences
    # As `rayswarm studio` prints it.
    preferences.address = f"{address}/#token={token}"
    assert (preferences.address, preferences.token) == (address, token)
    session = part("session")
    bpy.ops.rayswarm.check()
    until("an answer", lambda _: session.checked)
    assert session.checked.startswith("Rayswarm ") and "blender 4.5" in session.checked, session.checked
    assert session.checked in drawn(part("preferences").RayswarmPreferences, preferences.bl_rna)


def part(name):
    return importlib.import_module(f"{MODULE}.{name}")


def until(what, holds):
    """Hears of the run until something holds."""
    session, end = part("session"), time.monotonic() + PATIENCE_S
    assert bpy.app.timers.is_registered(session.tick)
    while not holds(session.current):
        session.pump()
        assert time.monotonic() < end, f"waited in vain for {what}: {session.current}"
        time.sleep(0.02)
    return session.current


class Layout:
    """Stands where Blender would draw, which it does not without a window: keeps the texts, and knows no names but
    those that Blender knows."""

    def __init__(self, texts):
        self._texts = texts

    def __getattr__(self, name):
        parameters = bpy.types.UILayout.bl_rna.functions[name].parameters

        def draw(*arguments, **options):
            assert set(options) <= set(parameters.keys()), (name, options)
            assert "icon" not in options or options["icon"] in parameters["icon"].enum_items, options["icon"]
            self._texts.append(options.get("text", ""))
            if name == "operator":
                group, operator = arguments[0].split(".")
                return Properties(getattr(getattr(bpy.ops, group), operator).get_rna_type().properties)
            if name == "prop":
                assert arguments[1] in arguments[0].bl_rna.properties
            return Layout(self._texts)

        return draw


class Properties:
    """What a button sets of its operator."""

    def __init__(self, known):
        object.__setattr__(self, "known", known)

    def __setattr__(self, name, value):
        assert name in self.known, name


def drawn(cls, rna=None):
    """The texts that a panel, dialog or page of preferences shows now."""
    texts = []
    context = SimpleNamespace(
        preferences=SimpleNamespace(addons=bpy.context.preferences.addons, system=SimpleNamespace(ui_scale=1)),
        scene=bpy.context.scene,
        window_manager=bpy.context.window_manager,
        region=SimpleNamespace(width=400),
    )
    cls.draw(SimpleNamespace(layout=Layout(texts), bl_rna=rna or SimpleNamespace(properties=("send",))), context)
    return " ".join(texts)


def panel():
    return drawn(part("panel").RAYSWARM_PT_render)


def has_ended(current):
    return current.ended


def open_scene(name):
    bpy.ops.wm.open_mainfile(filepath=str(folder / "project" / name))


def ask(path):
    request = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def ask_json(path):
    return importlib.import_module("json").loads(ask(path))


def colours(image):
    """The colours in the middle of the left and of the right half, rounded."""
    width, height = image.size
    found = []
    for x in (width // 4, 3 * width // 4):
        start = (height // 2 * width + x) * 4
        found.append(tuple(round(value) for value in image.pixels[start : start + 3]))
    return found


def send(operator, **options):
    """Sends, and allows the texture outside the scene's folder to travel."""
    assert operator(**options) == {"FINISHED"}
    current = until("the question", lambda current: current.ended or current.question)
    if current.question:
        assert current.question.files == (str(folder / "far" / "right.png"),), current.question
        assert "Send them too?" in panel() and "right.png" in panel()
        bpy.ops.rayswarm.answer(allow=True)
    return current


def still_of_the_saved_file():
    open_scene("shot.blend")
    bpy.context.window_manager.rayswarm.what = "STILL"
    send(bpy.ops.rayswarm.quote, send="DISK")
    current = until("the quote", lambda current: current.ended or current.quoted)
    assert current.state == "quoted" and int(current.quoted.quote["budget"]) >= 0, current
    assert "Start for at most" in panel() and "Price: " in panel()
    assert not bpy.ops.rayswarm.submit.poll()
    bpy.ops.rayswarm.start()
    until("the render", lambda current: current.state == "rendering" or current.ended)
    assert current.ended or "Rendering: " in panel(), panel()
    current = until("the picture", has_ended)
    assert current.state == "done" and not current.problem, current
    assert "Done" in panel() and "Not saved yet" in panel()
    job = ask_json(f"/v1/jobs/{current.job['id']}")
    assert [one["state"] for one in job["facts"]["dependencies"]] == ["found", "found"], job["facts"]
    output = job["outputs"][0]
    image = bpy.data.images[output["name"]]
    assert image.packed_file.data == ask(f"/v1/jobs/{job['id']}/outputs/0")
    assert colours(image) == [GREEN, RED], colours(image)
    assert bpy.ops.rayswarm.show() == {"FINISHED"}
    assert len([one for one in bpy.data.images if one.name.startswith(output["name"])]) == 1


def copy_of_the_changed_scene():
    open_scene("shot.blend")
    assert "changed since" in drawn(part("operators").Send)
    bpy.data.objects["right"].hide_render = True
    send(bpy.ops.rayswarm.submit, send="COPY")
    current = until("the picture", has_ended)
    if bpy.app.version[:2] > (4, 5):
        # The node's Blender is 4.5, and a copy is saved by this one.
        assert current.problem.kind == "newer_file" and not current.job, current
        assert current.problem.next_step.startswith("send the file as it was saved by 4.5"), current.problem
        assert "Not sent" in panel() and "as it was saved by 4.5" in panel()
        return
    assert current.state == "done", current
    assert colours(bpy.data.images[current.pictures[0].path.name]) == [GREEN, BLACK]
    assert not current.order.scratch.exists()
    # A person may open another file meanwhile; nothing is loaded into that.
    assert bpy.data.filepath.endswith("shot.blend")


def animation():
    open_scene("shot.blend")
    asked = bpy.context.window_manager.rayswarm
    asked.what, asked.frames = "FRAMES", "1-3,7"
    scenes = len(bpy.data.scenes)
    send(bpy.ops.rayswarm.submit, send="DISK")
    current = until("the frames", has_ended)
    assert current.state == "done" and [one.frame for one in current.pictures] == [1, 2, 3, 7], current
    image = bpy.data.images[current.pictures[0].path.name]
    assert image.source == "SEQUENCE"
    kept = results / "frames"
    assert bpy.ops.rayswarm.to_sequencer(directory=str(kept)) == {"FINISHED"}
    assert len(list(kept.iterdir())) == 4 and image.filepath == str(kept / current.pictures[0].path.name)
    # In the scene that is rendered, strips would take the place of the render.
    assert not strips_of(bpy.context.scene) and len(bpy.data.scenes) == scenes + 1
    scene = bpy.data.scenes["Rayswarm"]
    strips = [(strip.frame_final_start, strip.frame_final_end) for strip in strips_of(scene)]
    assert sorted(strips) == [(1, 4), (7, 8)], strips
    assert (scene.frame_start, scene.frame_end) == (1, 7)
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        assert bpy.context.workspace.sequencer_scene == scene


def film():
    open_scene("film.blend")
    bpy.context.window_manager.rayswarm.what = "ANIMATION"
    send(bpy.ops.rayswarm.submit, send="DISK")
    current = until("the film", has_ended)
    assert current.state == "done" and [one.kind for one in current.pictures] == ["film"], current
    assert bpy.ops.rayswarm.to_sequencer(directory=str(results / "films")) == {"FINISHED"}
    (strip,) = strips_of(bpy.data.scenes["Rayswarm"])
    assert (strip.type, strip.frame_final_start, strip.frame_final_duration) == ("MOVIE", 1, 2) and os.path.isfile(
        bpy.path.abspath(strip.filepath)
    )


def strips_of(scene):
    editor = scene.sequence_editor
    return editor and list(editor.strips if hasattr(editor, "strips") else editor.sequences)


def stopped():
    open_scene("shot.blend")
    bpy.context.window_manager.rayswarm.what = "STILL"
    # What must not travel does not.
    bpy.ops.rayswarm.quote(send="DISK")
    until("the question", lambda current: current.question)
    bpy.ops.rayswarm.answer(allow=False)
    current = until("the end", has_ended)
    assert not current.job and not current.problem, current
    # A quote that is not wanted.
    send(bpy.ops.rayswarm.quote, send="DISK")
    until("the quote", lambda current: current.quoted)
    bpy.ops.rayswarm.cancel()
    current = until("the end", has_ended)
    assert current.state == "cancelled" and not current.pictures, current
    # A job that another session has sent.
    done = [one["id"] for one in ask_json("/v1/jobs?state=done&limit=1000")["items"]][-1]
    bpy.ops.rayswarm.follow(job=done)
    current = until("the pictures", has_ended)
    assert current.state == "done" and len(current.pictures) == 1, current
    bpy.ops.rayswarm.let_go()
    # Blender is set to stay offline here, and a node on this machine is not online.
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.address = "https://192.0.2.1:3000"
    try:
        bpy.ops.rayswarm.quote(send="DISK")
    except RuntimeError as error:
        assert bpy.app.online_access or "Allow Online Access" in str(error), error
    # A wrong token is told with what to do.
    preferences.address, preferences.token = address, "wrong"
    bpy.ops.rayswarm.quote(send="DISK")
    current = until("the refusal", has_ended)
    assert current.problem.kind == "wrong_token" and "rayswarm studio" in current.problem.next_step, current


def files_below(place):
    return {path: path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


main()
print(f"whole run in Blender {bpy.app.version_string}: done")
