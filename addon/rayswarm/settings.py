# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel asks. Kept in the window manager, which is not saved: choosing frames to send changes no file."""

import bpy

WHAT = [
    ("STILL", "Still", "The frame the scene stands at"),
    ("ANIMATION", "Animation", "All frames of the scene's range"),
    ("FRAMES", "Frames", "A selection of frames"),
]


class RayswarmSettings(bpy.types.PropertyGroup):
    """What to render, and for how much at most."""

    what: bpy.props.EnumProperty(name="Render", description="What is rendered", items=WHAT, default="STILL")
    frames: bpy.props.StringProperty(name="Frames", description="Frames like 1-48 or 1,5,9-20x2", default="1-24")
    budget: bpy.props.StringProperty(
        name="Budget", description="The most it may cost, in tokens. Empty: the upper price of the quote"
    )
    use_cycles: bpy.props.BoolProperty(
        name="Render with Cycles",
        description="Render with Cycles though the scene asks for another renderer. The picture will look different",
    )


def of(context):
    """The settings."""
    return context.window_manager.rayswarm


def register():
    bpy.utils.register_class(RayswarmSettings)
    bpy.types.WindowManager.rayswarm = bpy.props.PointerProperty(type=RayswarmSettings)


def unregister():
    del bpy.types.WindowManager.rayswarm
    bpy.utils.unregister_class(RayswarmSettings)
