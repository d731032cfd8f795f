# SPDX-License-Identifier: GPL-3.0-or-later
"""What people can do about a job: quote, submit, start, cancel, answer, let go, follow; and try the connection."""

import bpy
from bpy.app.translations import pgettext_iface as iface

from . import preferences, sending, session
from .client import jobs
from .client.problem import Refused, Stop
from .client.run import Order

DIALOG_PIXELS = 420

SEND = [
    ("COPY", "Send a Temporary Copy", "Send a copy of the scene as it is now. The file stays as it is"),
    ("SAVE", "Save the File and Send It", "Save the file, then send it"),
    ("DISK", "Send It as It Was Saved", "Send the file as it is on the disk, without the changes since"),
]


def is_busy():
    return bool(session.current) and not session.current.ended


def refuse(operator, error):
    """Tells a refusal at the bottom of the window."""
    problem = error.problem
    operator.report({"ERROR"}, f"{problem.detail}. {problem.next_step}" if problem.next_step else problem.detail)
    return {"CANCELLED"}


class Send:
    """Sends the scene. Asks first where the file on the disk is not what is open."""

    bl_options = {"REGISTER"}

    send: bpy.props.EnumProperty(name="Send", items=SEND, default="DISK", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context):
        cls.poll_message_set("A job is under way: cancel it or let it go first")
        return not is_busy()

    def invoke(self, context, _event):
        if sending.is_as_saved():
            self.send = "DISK"
            return self.execute(context)
        self.send = "COPY"
        return context.window_manager.invoke_props_dialog(
            self, width=DIALOG_PIXELS, title="This File Is Not Saved", confirm_text=self.bl_label
        )

    def draw(self, _context):
        column = self.layout.column()
        if bpy.data.is_saved:
            column.label(text="The file was changed since it was saved.")
            column.separator()
            column.prop(self, "send", expand=True)
        else:
            column.label(text="It has never been saved. A temporary copy is sent.")
        painted = sending.painted_images()
        if painted:
            column.separator()
            column.label(
                text=iface("Painted and not saved, so sent as they were: %s") % ", ".join(painted), icon="ERROR"
            )

    def execute(self, context):
        try:
            session.begin(sending.order(context, self.send, self.auto_start))
        except Refused as refused:
            return refuse(self, refused)
        except RuntimeError as error:
            # Blender could not write the file, and says why.
            self.report({"ERROR"}, str(error).strip())
            return {"CANCELLED"}
        return {"FINISHED"}


class RAYSWARM_OT_quote(Send, bpy.types.Operator):
    """Send the scene and learn what rendering it costs. Nothing is paid before you start it"""

    bl_idname = "rayswarm.quote"
    bl_label = "Quote"
    auto_start = False


class RAYSWARM_OT_submit(Send, bpy.types.Operator):
    """Send the scene and render it as soon as it is quoted, within the budget, without another question"""

    bl_idname = "rayswarm.submit"
    bl_label = "Submit"
    auto_start = True


class OfJob:
    """About the job of the run under way."""

    bl_options = {"INTERNAL"}
    states = ()

    @classmethod
    def poll(cls, _context):
        return is_busy() and session.current.state in cls.states

    def execute(self, _context):
        # The thread must not touch the operator itself, which is Blender's.
        ask, node, job = self.ask, session.current.order.node, session.current.job["id"]
        session.call(lambda: ask(node, job))
        return {"FINISHED"}


class RAYSWARM_OT_start(OfJob, bpy.types.Operator):
    """Accept the quote: the budget is locked and rendering begins"""

    bl_idname = "rayswarm.start"
    bl_label = "Start"
    states = ("quoted",)
    ask = staticmethod(jobs.start)


class RAYSWARM_OT_cancel(OfJob, bpy.types.Operator):
    """End the job early: finished work is paid, the rest comes back"""

    bl_idname = "rayswarm.cancel"
    bl_label = "Cancel"
    states = ("analysing", "probing", "quoted", "funding", "rendering")
    ask = staticmethod(jobs.cancel)

    @classmethod
    def poll(cls, context):
        return is_busy() and (not session.current.job or super().poll(context))

    def invoke(self, context, event):
        if session.current.state in ("funding", "rendering"):
            return context.window_manager.invoke_confirm(self, event)
        return self.execute(context)

    def execute(self, context):
        if session.current.job:
            return super().execute(context)
        session.current.run.stop()
        return {"FINISHED"}


class RAYSWARM_OT_answer(bpy.types.Operator):
    """Say whether files outside the scene's folder may be sent"""

    bl_idname = "rayswarm.answer"
    bl_label = "Answer"
    bl_options = {"INTERNAL"}

    allow: bpy.props.BoolProperty(name="Allow", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context):
        return is_busy() and session.current.question is not None

    def execute(self, _context):
        session.answer(self.allow)
        return {"FINISHED"}


class RAYSWARM_OT_let_go(bpy.types.Operator):
    """Stop following the job. It goes on at the node, and can be followed again"""

    bl_idname = "rayswarm.let_go"
    bl_label = "Let Go"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context):
        return session.current is not None

    def execute(self, _context):
        session.forget()
        session.redraw()
        return {"FINISHED"}


class RAYSWARM_OT_follow(bpy.types.Operator):
    """Follow a job that the node has already, and fetch its pictures"""

    bl_idname = "rayswarm.follow"
    bl_label = "Follow a Job"
    bl_options = {"REGISTER"}

    job: bpy.props.StringProperty(name="Job", description="Its name or id, or a part of them; the newest that fits")

    @classmethod
    def poll(cls, _context):
        return not is_busy()

    def invoke(self, context, _event):
        return context.window_manager.invoke_props_dialog(self, width=DIALOG_PIXELS)

    def execute(self, context):
        if not self.job.strip():
            self.report({"ERROR"}, "Name the job")
            return {"CANCELLED"}
        try:
            node = preferences.node(context)
        except Refused as refused:
            return refuse(self, refused)
        session.begin(Order(node=node, results=session.new_folder("results"), job=self.job.strip()))
        return {"FINISHED"}


class RAYSWARM_OT_check(bpy.types.Operator):
    """Ask the node who it is"""

    bl_idname = "rayswarm.check"
    bl_label = "Check Connection"
    bl_options = {"INTERNAL"}

    def execute(self, context):
        try:
            node = preferences.node(context)
        except Refused as refused:
            return refuse(self, refused)

        def ask():
            found = jobs.describe(node, Stop())
            engines = ", ".join(f"{engine['name']} {engine['version']}" for engine in found["engines"])
            return f"Rayswarm {found['version']}: {engines}"

        session.check(ask)
        return {"FINISHED"}


CLASSES = (
    RAYSWARM_OT_quote,
    RAYSWARM_OT_submit,
    RAYSWARM_OT_start,
    RAYSWARM_OT_cancel,
    RAYSWARM_OT_answer,
    RAYSWARM_OT_let_go,
    RAYSWARM_OT_follow,
    RAYSWARM_OT_check,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
