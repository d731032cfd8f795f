"""Lets Blender's own render pipeline take a merged picture for what Cycles rendered.

Cycles is a render engine written as an add-on: Blender calls `update` and `render` of its class. Replacing these two by
ones that read pixels from files leaves everything else as it is: view layers, the file's compositor with its Render
Layers and Cryptomatte nodes, view transform and file formats. So finishing is what Blender itself would have done.
"""

import array

import bpy
from cycles import CyclesRender

METHODS = ("update", "render", "render_frame_finish")
ORIGINALS = {name: getattr(CyclesRender, name) for name in METHODS}
# Scene name -> function(engine, result, layer name) that fills a render result.
_sources = {}


def serve(scene_name, fill):
    """From now on renders of `scene_name` get their pixels from `fill`."""
    _sources[scene_name] = fill
    for name, method in zip(METHODS, (_nothing, _render, _nothing), strict=True):
        setattr(CyclesRender, name, method)


def stop():
    """Cycles renders again."""
    _sources.clear()
    for name, method in ORIGINALS.items():
        setattr(CyclesRender, name, method)


def _nothing(engine, *_):
    pass


def _render(engine, depsgraph):
    render = depsgraph.scene.render
    width = render.resolution_x * render.resolution_percentage // 100
    height = render.resolution_y * render.resolution_percentage // 100
    name = depsgraph.view_layer.name
    result = engine.begin_result(0, 0, width, height, layer=name)
    _sources[depsgraph.scene.name](engine, result, name)
    engine.end_result(result)


def copy_pass(layer, source, target):
    """Copies the pixels of one pass to another of as many channels, when the layer has both."""
    passes = {one.name: one for one in layer.passes}
    if source in passes and target in passes:
        pixels = array.array("f", bytes(4 * len(passes[source].rect) * passes[source].channels))
        passes[source].rect.foreach_get(pixels)
        passes[target].rect.foreach_set(pixels)


def read_combined(layer, path):
    """Fills the Combined pass from a single-layer RGBA file. (`RenderLayer.load_from_file` leaves it as it is.)"""
    image = bpy.data.images.load(path)
    try:
        # The pixels are scene-linear already.
        image.colorspace_settings.name = "Non-Color"
        pixels = array.array("f", bytes(4 * len(image.pixels)))
        image.pixels.foreach_get(pixels)
        layer.passes["Combined"].rect.foreach_set(pixels)
    finally:
        bpy.data.images.remove(image)
