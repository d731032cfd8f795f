"""Renders one frame as plain Blender would, as a reference for the session: `python render_plain.py SCENE FRAME OUT [W H
SPP]`. The picture is a single-layer OpenEXR of 32-bit floats, finished by the file's own denoiser and compositor."""

import os
import sys

import bpy

scene_path, frame, output = sys.argv[1:4]
bpy.ops.wm.open_mainfile(filepath=scene_path, load_ui=False, use_scripts=False)
scene = bpy.context.scene
if len(sys.argv) > 4:
    scene.render.resolution_x, scene.render.resolution_y = int(sys.argv[4]), int(sys.argv[5])
    scene.render.resolution_percentage = 100
    scene.cycles.samples = int(sys.argv[6])
for node in list(scene.node_tree.nodes) if scene.node_tree else []:
    if node.bl_idname == "CompositorNodeOutputFile":
        scene.node_tree.nodes.remove(node)
image = scene.render.image_settings
image.file_format, image.color_mode, image.color_depth, image.exr_codec = "OPEN_EXR", "RGBA", "32", "ZIP"
scene.render.use_file_extension = False
scene.render.filepath = output
scene.frame_set(int(frame))
bpy.ops.render.render(write_still=True)
sys.stdout.flush()
# bpy hangs at a normal exit after a file was loaded.
os._exit(0)
