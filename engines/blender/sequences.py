"""Which files of an image or volume sequence the job's frames read, as Blender counts them.

Only where that can be told from settings alone: an image user that follows the frame, a volume. For the rest (movie
clips, geometry caches, images whose frame a node computes) the adapter looks for gaps in the numbering.
"""

import os
import re

from passes import compositor_trees, has_compositor

IMAGE_NODES = ("ShaderNodeTexImage", "ShaderNodeTexEnvironment")
# The last run of digits in a file name's stem counts the frames.
NUMBERED = re.compile(r"(.*?)(\d+)(\D*)$")


def image_users(scene, trees, reachable):
    """Image -> everything that says which of its frames is shown when."""
    users = {}
    for tree in trees:
        for node in tree.nodes:
            if node.bl_idname in IMAGE_NODES and node.image:
                users.setdefault(node.image, []).append(node.image_user)
    for tree in compositor_trees(scene) if has_compositor(scene) else ():
        for node in tree.nodes:
            if node.bl_idname == "CompositorNodeImage" and node.image:
                users.setdefault(node.image, []).append(node)
    for block in reachable:
        if getattr(block, "image_user", None) and getattr(block, "image", None):
            users.setdefault(block.image, []).append(block.image_user)
    return users


def image_numbers(users, frames):
    """File numbers that `frames` show of an image; none when one of its users does not follow the frame."""
    if not all(user.use_auto_refresh and user.frame_duration > 0 for user in users):
        return set()
    return {image_number(user, frame) for user in users for frame in frames}


def image_number(user, frame):
    """The file number an image user shows at a frame (BKE_image_user_frame_get)."""
    length = user.frame_duration
    position = frame - user.frame_start + 1
    position = (position - 1) % length + 1 if user.use_cyclic else min(max(position, 0), length)
    return max(0, position + user.frame_offset)


def volume_numbers(volume, frames):
    """File numbers that `frames` show of a volume (BKE_volume_sequence_frame); none for frames that show nothing."""
    numbers = set()
    length = volume.frame_duration
    for frame in frames if length > 0 else ():
        position = frame - volume.frame_start + 1
        if volume.sequence_mode == "EXTEND":
            position = min(max(position, 1), length)
        elif volume.sequence_mode == "REPEAT":
            position = (position - 1) % length + 1
        elif volume.sequence_mode == "PING_PONG":
            position = ping_pong(position, length)
        elif not 1 <= position <= length:
            continue
        numbers.add(position + volume.frame_offset)
    return numbers


def ping_pong(position, length):
    """Forth and back: 1 2 3 2 1 2 3 …"""
    period = max(1, 2 * (length - 1))
    position = (position - 1) % period
    return (position if position < length else period - position) + 1


def files(path, numbers):
    """The paths of a sequence's files; none when its name has no number to replace."""
    folder, name = os.path.split(path)
    stem, extension = os.path.splitext(name)
    parts = NUMBERED.match(stem)
    if not parts:
        return []
    width = len(parts[2])
    return [os.path.join(folder, f"{parts[1]}{number:0{width}d}{parts[3]}{extension}") for number in sorted(numbers)]


def pattern(path):
    """What the file names of a sequence look like."""
    stem, extension = os.path.splitext(os.path.basename(path))
    parts = NUMBERED.match(stem)
    if not parts:
        return re.compile(re.escape(stem + extension))
    return re.compile(re.escape(parts[1]) + r"\d+" + re.escape(parts[3] + extension))
