"""Renders frames as a person with Blender alone would: open, set, render, write. What `rayswarm bench farm` compares
with; runs in an engine's own Python outside the sandbox and shares no code path with a session.

Its one argument is JSON: scene, frames, threads (0: all), resolution ([width, height] or null), samples (or null),
output (folder), report (file). The report is JSON: load_s, render_s, cpu_s, or refused."""

import json
import os
import sys
import time

BEGUN = time.monotonic()


def main():
    job = json.loads(sys.argv[1])
    # Imported here, so that the time it takes counts as loading.
    report = render(job, __import__("bpy"))
    with open(job["report"], "w", encoding="utf-8") as file:
        json.dump(report, file)
    # bpy hangs at a normal exit after loading a file.
    os._exit(0)


def render(job, bpy):
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    bpy.ops.wm.open_mainfile(filepath=job["scene"], load_ui=False, use_scripts=False)
    if os.path.realpath(bpy.data.filepath) != os.path.realpath(job["scene"]):
        return {"refused": f"Blender did not load {job['scene']}"}
    scene = bpy.context.scene
    if scene.render.engine != "CYCLES":
        return {"refused": f"the file renders with {scene.render.engine}, not with Cycles"}
    prepare(scene, job)
    loaded = time.monotonic()
    for frame in job["frames"]:
        scene.frame_set(frame)
        scene.render.filepath = os.path.join(job["output"], f"{frame:04d}.png")
        bpy.ops.render.render(write_still=True)
    return {
        "load_s": loaded - BEGUN,
        "render_s": time.monotonic() - loaded,
        "cpu_s": time.process_time(),
    }


def prepare(scene, job):
    render, image = scene.render, scene.render.image_settings
    if job["resolution"]:
        render.resolution_x, render.resolution_y = job["resolution"]
        render.resolution_percentage = 100
    if job["samples"]:
        scene.cycles.samples = job["samples"]
    render.threads_mode = "FIXED" if job["threads"] else "AUTO"
    if job["threads"]:
        render.threads = job["threads"]
    scene.cycles.device = "CPU"
    # With a limit in seconds the compared pictures would differ in quality.
    scene.cycles.time_limit = 0.0
    # Strips would be shown instead of the scene.
    render.use_sequencer = False
    if hasattr(image, "media_type"):
        image.media_type = "IMAGE"
    image.file_format = "PNG"
    drop_output_nodes(scene)


def drop_output_nodes(scene):
    """File Output nodes would write wherever the scene says."""
    tree = getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None)
    for node in list(tree.nodes) if tree else []:
        if node.bl_idname == "CompositorNodeOutputFile":
            tree.nodes.remove(node)


main()
