"""How much memory a session of a scene is expected to need. Measured constants, Cycles on the CPU, bpy 4.5."""

import bpy
from references import objects

# An idle session with a small scene loaded.
BASE_BYTES = 300 << 20
# 967 k triangles took 605 to 775 MB: mesh, its copy in Cycles, BVH.
TRIANGLE_BYTES = 450
# A strand segment of hair in Cycles with its BVH.
HAIR_KEY_BYTES = 300
# Float pixels of a pass in Cycles, in the render result and while writing.
PASS_COPIES = 3


def estimate(pixels, channels, reachable):
    """Bytes for rendering whole frames of `pixels` with `channels` float channels. `reachable` is all the scene uses."""
    return int(
        BASE_BYTES
        + TRIANGLE_BYTES * triangles()
        + HAIR_KEY_BYTES * hair_keys(reachable)
        + image_bytes(reachable)
        + 4 * PASS_COPIES * channels * pixels
    )


def triangles():
    """Triangles of every distinct evaluated mesh, with subdivision as rendered rather than as viewed."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    counted, total = set(), 0
    for instance in depsgraph.object_instances:
        item = instance.object
        if item.type not in ("MESH", "CURVE", "SURFACE", "FONT", "META") or not item.data:
            continue
        key = item.data.as_pointer()
        if key in counted:
            continue
        counted.add(key)
        mesh = item.data if item.type == "MESH" else item.to_mesh()
        if mesh:
            total += max(0, len(mesh.loops) - 2 * len(mesh.polygons)) * growth(item.original)
        if item.type != "MESH":
            item.to_mesh_clear()
    return total


def growth(item):
    """By what factor subdivision grows between view and render."""
    factor = 1
    for modifier in item.modifiers:
        if modifier.type in ("SUBSURF", "MULTIRES") and modifier.show_render:
            viewed = modifier.levels if modifier.show_viewport else 0
            factor *= 4 ** max(0, modifier.render_levels - viewed)
    return factor


def hair_keys(reachable):
    total = 0
    for item in objects(reachable):
        for system in item.particle_systems:
            settings = system.settings
            if settings.type == "HAIR" and settings.render_type == "PATH":
                children = settings.rendered_child_count if settings.child_type != "NONE" else 0
                total += settings.count * max(1, children) * (2**settings.render_step + 1)
    return total


def image_bytes(reachable):
    """Decoded size of every image the scene uses: a byte or a float per channel, mip levels none on the CPU."""
    total = 0
    for image in bpy.data.images:
        if image in reachable and image.source in ("FILE", "SEQUENCE", "TILED", "MOVIE"):
            width, height = image.size
            tiles = max(1, len(image.tiles)) if image.source == "TILED" else 1
            # Blender's copy and Cycles' copy.
            total += width * height * 4 * (4 if image.is_float else 1) * tiles * 2
    return total
