"""Formats of pictures and films: Rayswarm's word for what the file itself would write, and setting what is written."""

import os

from findings import warning
from protocol import Refused

WORDS = {"PNG": "png", "JPEG": "jpeg", "OPEN_EXR": "exr", "OPEN_EXR_MULTILAYER": "exr-multilayer"}
EXTENSIONS = {"png": "png", "jpeg": "jpg", "exr": "exr", "exr-multilayer": "exr"}
EXR = ("OPEN_EXR", "OPEN_EXR_MULTILAYER")
# Blender's word for a container -> our word for it and Blender's for the codec that is written in it.
FILMS = {"MPEG4": ("mp4", "H264"), "WEBM": ("webm", "WEBM")}
FILM_DEFAULT = FILMS["MPEG4"]
FILM_BITS = 8


def output_pattern(render):
    """The file name Blender would write, with `#` for the frame's digits: four when the name has none."""
    name = os.path.basename(render.filepath.replace("\\", "/"))
    stem, extension = os.path.splitext(name)
    if extension.lower() == render.file_extension.lower():
        name = stem
    image = render.image_settings
    word = film(render)[0] if image.file_format == "FFMPEG" else WORDS.get(image.file_format)
    return {
        "name": name if "#" in name else name + "####",
        "format": word or image.file_format,
        "color_mode": image.color_mode,
        "color_depth": int(image.color_depth),
    }


def film(render):
    return FILMS.get(render.ffmpeg.format, FILM_DEFAULT)


def replaced(render):
    """Yields a warning when what is written is not what the file asks for."""
    image = render.image_settings
    if image.file_format == "FFMPEG":
        word, codec = film(render)
        bits = int(image.color_depth)
        if (render.ffmpeg.format, render.ffmpeg.codec) not in ((name, made) for name, (_, made) in FILMS.items()):
            wanted = f"a film of format {render.ffmpeg.format} with codec {render.ffmpeg.codec}"
        elif bits != FILM_BITS:
            wanted = f"a film of {bits} bits"
        else:
            return
        yield warning(
            "format_replaced",
            f"the file writes {wanted}; what is written instead is {word.upper()} with codec {codec}, {FILM_BITS} bits",
            "choose --format mp4 or webm, or take the frames by --format png and encode them yourself",
        )
    elif image.file_format not in WORDS:
        depth = png_depth(image.file_format, image.color_depth)
        yield warning(
            "format_replaced",
            f"the file writes {image.file_format}; PNG with {depth} bits and the view transform is written instead",
            "choose another by --format: png, jpeg, exr (scene-linear) or exr-multilayer",
        )


def png_depth(own, depth):
    """Bits of a PNG written for a file whose own format has `depth`: never fewer than there were, as far as PNG goes.
    Films are encoded in 8 bits, so their frames need no more."""
    return "16" if own != "FFMPEG" and int(depth) > 8 else "8"


class Own:
    """The format of a freshly loaded file. Blender forgets a depth or codec that the next format does not have."""

    def __init__(self, image):
        self.format, self.mode, self.depth, self.codec = (
            image.file_format, image.color_mode, image.color_depth, image.exr_codec
        )  # fmt: skip

    def exr(self):
        """Depth and codec of an OpenEXR file: the file's own, or nothing lost."""
        return (self.depth, self.codec) if self.format in EXR else ("32", "ZIP")


def set_format(scene, own, word):
    """Sets the file format, with the file's own colour mode, depth, codec and quality where they fit it."""
    image = scene.render.image_settings
    if word == "png":
        image.file_format = "PNG"
        image.color_mode = own.mode if own.format == "PNG" else ("RGBA" if scene.render.film_transparent else "RGB")
        image.color_depth = png_depth(own.format, own.depth)
    elif word == "jpeg":
        image.file_format = "JPEG"
        image.color_mode = "BW" if own.mode == "BW" else "RGB"
    elif word == "exr":
        image.file_format = "OPEN_EXR"
        image.color_mode = own.mode if own.format in EXR else "RGBA"
        image.color_depth, image.exr_codec = own.exr()
    elif word == "exr-multilayer":
        image.file_format = "OPEN_EXR_MULTILAYER"
        image.color_mode = "RGBA"
        image.color_depth, image.exr_codec = own.exr()
    else:
        raise Refused("format", f"{word!r} is no picture format", f"use one of {', '.join(EXTENSIONS)}")
