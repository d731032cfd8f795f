"""Finishes one merged frame: denoiser, compositor, view transform, file. Runs on the requestor over the whole picture."""

import os

import bpy
import merged
from formats import EXTENSIONS, Own, set_format
from passes import compositor_trees, has_compositor, restrict
from protocol import Refused
from settings import option
from tile import denoised_layers

DENOISING_SCENE = "Rayswarm denoising"


class Finisher:
    """A freshly loaded scene, prepared for finishing. Cannot be undone: load the file again for raw tiles."""

    def __init__(self, scene, settings):
        restrict(scene, option(settings, "passes") == "all")
        for tree in compositor_trees(scene):
            # Blender would let them write to any path.
            for node in [node for node in tree.nodes if node.bl_idname == "CompositorNodeOutputFile"]:
                tree.nodes.remove(node)
        # Without a Composite node Blender writes the rendered picture as it is.
        scene.render.use_compositing = has_compositor(scene)
        scene.render.use_border = False
        # The files' metadata would name paths and hosts that exist in the sandbox only.
        scene.render.use_stamp_filename = scene.render.use_stamp_hostname = False
        self._scene = scene
        self._own_format = Own(scene.render.image_settings)
        self._denoised = denoised_layers(scene)
        self._merged_path = None
        self._denoised_paths = {}
        merged.serve(scene.name, self._fill)
        if self._denoised:
            self._denoiser = Denoiser(scene)

    def finish(self, request):
        """Writes the finished frame; returns the files written."""
        self._merged_path, output = request["merged"], request["output"] + "." + EXTENSIONS[request["format"]]
        self._denoised_paths = {}
        for number, layer in enumerate(self._denoised):
            path = f"{request['output']}.denoised{number}.exr"
            self._denoiser.run(self._merged_path, layer, path)
            self._denoised_paths[layer] = path
        set_format(self._scene, self._own_format, request["format"])
        self._scene.render.filepath = output
        write(self._scene, output)
        for path in self._denoised_paths.values():
            os.remove(path)
        return [output]

    def _fill(self, _engine, result, layer_name):
        result.load_from_file(self._merged_path)
        for layer in result.layers:
            # What Cycles keeps as the noisy picture is the merged one; the denoised one takes its place.
            merged.copy_pass(layer, "Combined", "Noisy Image")
            if layer_name in self._denoised_paths:
                merged.read_combined(layer, self._denoised_paths[layer_name])


class Denoiser:
    """A scene of its own with one Denoise node, set as Cycles would set its denoiser."""

    def __init__(self, original):
        scene = bpy.data.scenes.new(DENOISING_SCENE)
        scene.render.engine = "CYCLES"
        for name in ("resolution_x", "resolution_y", "resolution_percentage", "threads_mode", "threads"):
            setattr(scene.render, name, getattr(original.render, name))
        scene.render.use_file_extension = False
        scene.render.use_sequencer = False
        scene.camera = bpy.data.objects.new(DENOISING_SCENE, bpy.data.cameras.new(DENOISING_SCENE))
        scene.cycles.use_denoising = False
        scene.view_layers[0].cycles.denoising_store_passes = True
        image = scene.render.image_settings
        image.file_format, image.color_mode, image.color_depth, image.exr_codec = "OPEN_EXR", "RGBA", "32", "NONE"

        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        layers = tree.nodes.new("CompositorNodeRLayers")
        # A new node reads the context's scene, which is the original.
        layers.scene = scene
        denoise = tree.nodes.new("CompositorNodeDenoise")
        output = tree.nodes.new("CompositorNodeComposite")
        denoise.use_hdr = True
        denoise.prefilter = original.cycles.denoising_prefilter
        denoise.quality = original.cycles.denoising_quality
        tree.links.new(layers.outputs["Image"], denoise.inputs["Image"])
        guides = original.cycles.denoising_input_passes
        if "ALBEDO" in guides:
            tree.links.new(layers.outputs["Denoising Albedo"], denoise.inputs["Albedo"])
        if "NORMAL" in guides:
            tree.links.new(layers.outputs["Denoising Normal"], denoise.inputs["Normal"])
        tree.links.new(denoise.outputs["Image"], output.inputs["Image"])
        self._scene = scene
        self._merged_path = None
        merged.serve(scene.name, lambda _engine, result, _layer: result.load_from_file(self._merged_path))

    def run(self, merged_path, layer_name, output):
        """Denoises one view layer of the merged picture into a single-layer EXR."""
        self._merged_path = merged_path
        # The reader looks for channels by the layer's name.
        self._scene.view_layers[0].name = layer_name
        self._scene.render.filepath = output
        write(self._scene, output)


def write(scene, output):
    """Runs Blender's pipeline for `scene`, which composites and writes."""
    try:
        finished = bpy.ops.render.render(write_still=True, scene=scene.name)
    except RuntimeError as error:
        raise Refused(
            "finish_failed", f"Blender could not finish the picture: {str(error).strip()}", "see the log"
        ) from error
    if "FINISHED" not in finished or not os.path.isfile(output):
        raise Refused("finish_failed", f"Blender wrote no picture to {output}", "see the log", "transient")
