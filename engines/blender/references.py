"""The external files a scene needs, found in Blender's data: images, libraries, fonts, caches and the rest.

Only what the active scene can reach counts: an unused brush texture that is missing must not stop a job.
"""

import os

import bpy
import sequences
from passes import has_compositor

BUILTIN = "<builtin>"
# PNG, JPEG, OpenEXR, TIFF and most others tell what they are within three bytes.
MAGIC_BYTES = 3


def references(scene, frames=()):
    """A list of dicts, one per file or file pattern:

    reference  as the scene names it (absolute where the naming library was itself named by an absolute path)
    inside     absolute path in this session
    kind       image, library, font, volume, cache, sound, ies, script…
    packed     whether its bytes are in the .blend
    shape      file, udim, sequence or folder
    expected   for udim: the paths of the tiles that are used; for sequence: those that `frames` show, as far as known
    needed     whether the picture needs it
    """
    reachable = reach(scene)
    trees = list(node_trees(reachable))
    users = sequences.image_users(scene, trees, reachable)
    found = []
    for library in bpy.data.libraries:
        add(found, library, library.filepath, "library", reachable, packed=library.packed_file is not None)
    for image in bpy.data.images:
        add_image(found, image, reachable, sequences.image_numbers(users.get(image, ()), frames))
    for font in bpy.data.fonts:
        add(found, font, font.filepath, "font", reachable, packed=font.packed_file is not None)
    for volume in bpy.data.volumes:
        shape, numbers = "file", ()
        if volume.is_sequence:
            shape, numbers = "sequence", sequences.volume_numbers(volume, frames)
        packed = volume.packed_file is not None
        add(found, volume, volume.filepath, "volume", reachable, shape, packed, numbers=numbers)
    for cache in bpy.data.cache_files:
        add(found, cache, cache.filepath, "cache", reachable, "sequence" if cache.is_sequence else "file")
    for clip in bpy.data.movieclips:
        # Tracked data is in the .blend; the film itself is read by the compositor only.
        shape = "sequence" if clip.source == "SEQUENCE" else "file"
        add(found, clip, clip.filepath, "movie", reachable if has_compositor(scene) else set(), shape)
    for item in objects(reachable):
        add_object(found, item, reachable)
    for tree in trees:
        for node in tree.nodes:
            if node.bl_idname == "ShaderNodeTexIES" and node.mode == "EXTERNAL":
                add(found, tree, node.filepath, "ies", reachable | {tree})
            elif node.bl_idname == "ShaderNodeScript" and node.mode == "EXTERNAL":
                add(found, tree, node.filepath, "script", reachable | {tree})
    add_remaining(found)
    return found


def reach(scene):
    """Every data-block the scene uses, directly or through others. Textures of the old Blender Internal materials count
    too: nothing uses them since 2.80, but whoever made the scene expects them, so a missing one is worth a stop."""
    uses = {}
    for block, users in bpy.data.user_map().items():
        for user in users:
            uses.setdefault(user, []).append(block)
    users_of = bpy.data.user_map(subset=list(bpy.data.textures)) if bpy.data.textures else {}
    old = [one for one in bpy.data.textures if not any(isinstance(user, bpy.types.Brush) for user in users_of[one])]
    seen, waiting = {scene, *old}, [scene, *old]
    while waiting:
        for block in uses.get(waiting.pop(), ()):
            if block not in seen:
                seen.add(block)
                waiting.append(block)
    # A linked data-block needs its library, and a library the one that links it.
    seen |= {block.library for block in seen if block.library}
    for library in bpy.data.libraries:
        if library in seen:
            parent = library.parent
            while parent:
                seen.add(parent)
                parent = parent.parent
    return seen


def objects(reachable):
    """The objects among `reachable`: those of the scene itself, of collections it instances, of its background scenes,
    and those that modifiers and constraints point at."""
    return [item for item in bpy.data.objects if item in reachable]


def with_backgrounds(scene):
    """The scene and the scenes it shows as background sets, each once."""
    chain = []
    while scene and scene not in chain:
        chain.append(scene)
        scene = scene.background_set
    return chain


def node_trees(reachable):
    """Node groups and the trees embedded in materials, worlds, lights and scenes."""
    for block in reachable:
        if isinstance(block, bpy.types.NodeTree):
            yield block
        elif not isinstance(block, bpy.types.Scene) and getattr(block, "node_tree", None):
            yield block.node_tree


def add(found, owner, path, kind, reachable, shape="file", packed=False, expected=(), numbers=()):
    """Adds one file. `owner` is the data-block that names it; relative paths count from its library. `numbers` are those
    of the files of a sequence that must be there."""
    if not path or path == BUILTIN:
        return
    library = owner if isinstance(owner, bpy.types.Library) else None
    # Library paths are kept relative to the main file, even those of libraries of libraries.
    inside = os.path.normpath(bpy.path.abspath(path, library=None if library else owner.library))
    found.append(
        {
            "reference": name_of(path, None if library else owner.library, inside),
            "inside": inside,
            "kind": kind,
            "packed": packed,
            "shape": shape,
            "expected": list(expected) or sequences.files(inside, numbers),
            "needed": owner in reachable,
        }
    )


def name_of(path, library, inside):
    """The path as the scene names it; absolute when it is relative to a library that was named by an absolute path,
    because then it does not move with the scene's folder."""
    if path.startswith("//") and library and not library.filepath.startswith("//"):
        return inside
    return path


def add_image(found, image, reachable, numbers):
    if image.source in ("GENERATED", "VIEWER"):
        return
    packed = bool(image.packed_files) or image.packed_file is not None
    if image.source == "TILED":
        names = [udim_name(image.filepath, tile.number) for tile in image.tiles]
        inside = [os.path.normpath(bpy.path.abspath(name, library=image.library)) for name in names]
        add(found, image, image.filepath, "image", reachable, "udim", packed, inside)
    else:
        add(
            found,
            image,
            image.filepath,
            "image",
            reachable,
            "sequence" if image.source == "SEQUENCE" else "file",
            packed,
            numbers=numbers if image.source == "SEQUENCE" else (),
        )


def udim_name(path, number):
    """The file of one tile: `<UDIM>` is the number, `<UVTILE>` the column and row it stands for."""
    column, row = (number - 1001) % 10 + 1, (number - 1001) // 10 + 1
    return path.replace("<UDIM>", str(number)).replace("<UVTILE>", f"u{column}_v{row}")


def add_object(found, item, reachable):
    """Caches that modifiers and particle systems keep on disk."""
    for modifier in item.modifiers:
        if modifier.type == "MESH_CACHE":
            add(found, item, modifier.filepath, "cache", reachable)
        elif modifier.type == "OCEAN" and modifier.is_cached:
            add(found, item, modifier.filepath, "cache", reachable, "folder")
        elif modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN":
            add(found, item, modifier.domain_settings.cache_directory, "cache", reachable, "folder")
        elif modifier.type == "NODES":
            for bake in modifier.bakes:
                if bake.bake_target == "DISK":
                    folder = bake.directory if bake.use_custom_path else modifier.bake_directory
                    add(found, item, folder, "cache", reachable, "folder")
    for cache in point_caches(item):
        if cache.use_external:
            add(found, item, cache.filepath, "cache", reachable, "folder")
        elif cache.use_disk_cache and cache.is_baked:
            stem = os.path.splitext(os.path.basename(bpy.data.filepath))[0]
            add(found, item, f"//blendcache_{stem}", "cache", reachable, "folder")


def point_caches(item):
    """Point caches of an object's modifiers and particle systems."""
    for modifier in item.modifiers:
        if modifier.type in ("CLOTH", "SOFT_BODY"):
            yield modifier.point_cache
        elif modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings:
            for surface in modifier.canvas_settings.canvas_surfaces:
                yield surface.point_cache
    for system in item.particle_systems:
        yield system.point_cache


def add_remaining(found):
    """Paths Blender knows of that no branch above named. They are not needed as far as this session can tell, but are
    listed, so that nothing a scene names goes unsaid."""
    known = {one["inside"] for one in found}
    for path in bpy.utils.blend_paths(absolute=True, packed=True, local=False):
        inside = os.path.normpath(path)
        if inside not in known and BUILTIN not in path and not inside.endswith((".py", os.sep)):
            known.add(inside)
            found.append(
                {
                    "reference": path,
                    "inside": inside,
                    "kind": "other",
                    "packed": False,
                    "shape": "file",
                    "expected": [],
                    "needed": False,
                }
            )


def missing(found):
    """References of needed files that this session cannot see."""
    return [one["reference"] for one in found if one["needed"] and not one["packed"] and not is_there(one)]


def is_there(one):
    """Whether the file, one of the sequence, every tile, or anything in the folder is there."""
    if one["shape"] == "udim":
        return all(os.path.isfile(path) for path in one["expected"])
    if one["shape"] == "folder":
        return any(names for _, _, names in os.walk(one["inside"]))
    if one["shape"] == "sequence" and not os.path.isfile(one["inside"]):
        return any(sequences.pattern(one["inside"]).fullmatch(name) for name in siblings(one["inside"]))
    return os.path.isfile(one["inside"])


def siblings(path):
    try:
        return os.listdir(os.path.dirname(path))
    except OSError:
        return []


def unreadable_images(files, reachable):
    """Names of images that are there and cannot be decoded: they would render magenta without a word. `files` are the
    scene's references."""
    bad = []
    for image in bpy.data.images:
        if image not in reachable:
            continue
        if image.source in ("FILE", "MOVIE") and is_readable(image, image.filepath) and 0 in image.size:
            bad.append(image.filepath)
        elif image.source == "TILED":
            names = [(udim_name(image.filepath, tile.number), tile.size) for tile in image.tiles]
            bad += [name for name, size in names if is_readable(image, name) and 0 in size]
    for one in files:
        if one["kind"] == "image" and one["shape"] == "sequence" and one["needed"] and not one["packed"]:
            folder = os.path.dirname(one["reference"])
            bad += [os.path.join(folder, os.path.basename(path)) for path in broken_frames(one["expected"])]
    return bad


def is_readable(image, name):
    """Whether the bytes of an image's file called `name` are at hand."""
    return bool(image.packed_files) or os.path.isfile(bpy.path.abspath(name, library=image.library))


def broken_frames(paths):
    """Frames of an image sequence that cannot be decoded. The first one there is read whole; of the others it is enough
    that they start like it, since decoding a film's worth of pictures takes minutes."""
    there = [path for path in paths if os.path.isfile(path)]
    if not there:
        return []
    if not is_decoded(there[0]):
        return there[:1]
    beginning = first_bytes(there[0])
    return [path for path in there if first_bytes(path) != beginning and not is_decoded(path)]


def is_decoded(path):
    image = bpy.data.images.load(path)
    try:
        return 0 not in image.size
    finally:
        bpy.data.images.remove(image)


def first_bytes(path):
    """What tells file formats apart; empty for what was cut off before it began."""
    with open(path, "rb") as file:
        return file.read(MAGIC_BYTES)
