# SPDX-License-Identifier: GPL-3.0-or-later
"""What people can do with finished pictures: look at them, keep them, cut them."""

import pathlib

import bpy

from . import results, session


class WithPictures:
    """About the pictures of the run."""

    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context):
        return session.current is not None and session.current.ended and bool(session.current.pictures)


class RAYSWARM_OT_show(WithPictures, bpy.types.Operator):
    """Show the result in an Image Editor"""

    bl_idname = "rayswarm.show"
    bl_label = "Show"

    def execute(self, context):
        image = results.load(session.current.pictures)
        editors = results.image_editors()
        if not editors and not bpy.app.background:
            bpy.ops.wm.window_new()
            context.window_manager.windows[-1].screen.areas[0].ui_type = "IMAGE_EDITOR"
            editors = results.image_editors()
        for space in editors[:1]:
            results.show(space, image, session.current.pictures)
        self.report({"INFO"}, image.name)
        return {"FINISHED"}


class InFolder(WithPictures):
    """Needs a folder that does not go away with Blender, and asks for one."""

    directory: bpy.props.StringProperty(name="Folder", subtype="DIR_PATH", options={"SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def ask_for_folder(self, context):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def keep(self):
        """Copies the pictures to the folder; says whether that worked."""
        if not self.directory:
            self.report({"ERROR"}, "Name the folder where the pictures are to be kept")
            return False
        folder = pathlib.Path(bpy.path.abspath(self.directory))
        try:
            session.current.pictures = results.keep(session.current.pictures, folder)
        except OSError as error:
            self.report({"ERROR"}, str(error))
            return False
        session.current.kept = folder
        return True


class RAYSWARM_OT_keep(InFolder, bpy.types.Operator):
    """Copy the pictures to a folder. Until then they are in a temporary one, which goes away with Blender"""

    bl_idname = "rayswarm.keep"
    bl_label = "Save Pictures"

    def invoke(self, context, _event):
        return self.ask_for_folder(context)

    def execute(self, _context):
        return {"FINISHED"} if self.keep() else {"CANCELLED"}


class RAYSWARM_OT_to_sequencer(InFolder, bpy.types.Operator):
    """Add the frames or the film as a strip, in a scene of its own. Pictures that are not kept yet are saved first"""

    bl_idname = "rayswarm.to_sequencer"
    bl_label = "Add to Sequencer"
    bl_options = {"REGISTER", "UNDO"}

    def invoke(self, context, _event):
        return self.execute(context) if session.current.kept else self.ask_for_folder(context)

    def execute(self, context):
        if not session.current.kept and not self.keep():
            return {"CANCELLED"}
        job = session.current.job
        name, start = job["name"], min(job["frame_numbers"], default=context.scene.frame_start)
        scene = results.add_strips(context, session.current.pictures, name, start)
        self.report({"INFO"}, f"{name} → {scene.name}")
        return {"FINISHED"}


CLASSES = (RAYSWARM_OT_show, RAYSWARM_OT_keep, RAYSWARM_OT_to_sequencer)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
