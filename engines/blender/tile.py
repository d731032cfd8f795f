"""Renders one tile of one frame to raw linear pixels: every pass, 32-bit float, nothing applied."""

import os
import re

import bpy
from passes import denoises, rendered_layers, restrict
from protocol import Refused
from settings import option

SAMPLE = re.compile(r"\| Sample (\d+)/(\d+)")
# Lossless. 960x540 with 15 channels: none 0.02 CPU s and 32 MB, RLE 0.07 s and 29 MB, ZIPS 0.27 s and 23 MB, ZIP 0.31 s
# and 23 MB, PIZ 0.44 s and 21 MB. Results go up people's slow uplinks, where 9 MB are seconds.
CODEC = "ZIPS"


def prepare(scene, settings):
    """Turns a freshly loaded scene into one that renders raw tiles. Cannot be undone: load the file again."""
    restrict(scene, option(settings, "passes") == "all")
    # Denoising looks at neighbouring pixels, so it runs once over the merged frame.
    scene.cycles.use_denoising = False
    render = scene.render
    render.use_compositing = False
    render.use_stamp = False
    for name in render.bl_rna.properties.keys():
        # Dates and host names in file headers help nobody; decoded channels are what is compared.
        if name.startswith("use_stamp_"):
            setattr(render, name, False)
    # Scene and BVH stay in memory between tiles and frames.
    render.use_persistent_data = True
    image = render.image_settings
    image.file_format = "OPEN_EXR_MULTILAYER"
    image.color_management = "FOLLOW_SCENE"
    image.color_mode, image.color_depth, image.exr_codec = "RGBA", "32", CODEC


def render_tile(scene, request, channel):
    """Renders `rect` of the current frame into `output`. `rect` counts from the top left, padding included."""
    if scene.camera is None:
        raise Refused("no_camera", f"scene {scene.name!r} has no camera", "add a camera and make it active")
    set_rect(scene.render, request["rect"])
    set_slice(scene.cycles, request["slice"])
    scene.render.filepath = request["output"]
    watch = Watch(scene, channel)
    bpy.app.handlers.render_stats.append(watch.see)
    try:
        finished = bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        raise Refused(
            "render_failed", f"Blender did not render: {str(error).strip()}", "see the log", "transient"
        ) from error
    finally:
        bpy.app.handlers.render_stats.remove(watch.see)
    if "FINISHED" not in finished or not os.path.isfile(request["output"]):
        raise Refused("render_failed", "Blender ended the render without a picture", "see the log", "transient")
    return {"picture": request["output"]}


def set_rect(render, rect):
    """Borders are fractions with y from the bottom. A quarter of a pixel keeps float rounding away from the edge:
    Blender cuts the product off."""
    width = render.resolution_x * render.resolution_percentage // 100
    height = render.resolution_y * render.resolution_percentage // 100
    bottom = height - rect["y"] - rect["height"]
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x = 0.0, 1.0
    render.border_min_y, render.border_max_y = 0.0, 1.0
    render.border_min_x = (rect["x"] + 0.25) / width
    render.border_max_x = (rect["x"] + rect["width"] + 0.25) / width
    render.border_min_y = (bottom + 0.25) / height
    render.border_max_y = (bottom + rect["height"] + 0.25) / height


def set_slice(cycles, part):
    """A subset of the fixed total: the total decides the sample pattern, so it stays."""
    cycles.use_sample_subset = part["count"] > 1
    cycles.sample_offset = part["offset"] if part["count"] > 1 else 0
    cycles.sample_subset_length = part["length"] if part["count"] > 1 else 2048


class Watch:
    """Turns Blender's status texts into progress over all view layers."""

    def __init__(self, scene, channel):
        self._layers = max(1, len(rendered_layers(scene)))
        self._channel = channel
        self._done_layers = 0
        self._milli = 0

    def see(self, text, *_):
        text = str(text)
        match = SAMPLE.search(text)
        if match:
            part = int(match[1]) / max(1, int(match[2]))
            self._milli = max(self._milli, int(1000 * min(1, (self._done_layers + part) / self._layers)))
        elif text.endswith("| Finished"):
            self._done_layers = min(self._layers - 1, self._done_layers + 1)
        self._channel.progress(self._milli, text.rsplit("|", 1)[-1].strip())


def denoised_layers(scene):
    """Names of the view layers the finishing pass denoises."""
    return [layer.name for layer in rendered_layers(scene) if denoises(scene, layer)]
