# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel in the Render properties."""

import textwrap

import bpy
from bpy.app.translations import pgettext_iface as iface

from . import preferences, session, settings
from .client import words

# A letter's width at scale 1, about; what stands beside the text.
LETTER_PIXELS, MARGIN_PIXELS = 7, 60
LETTERS_MIN = 24
FILES_SHOWN = 5
FINDINGS_SHOWN = 4

# Stages before there is a job. The job's own states are shown as the API calls them.
STAGES = {
    "connecting": "Connecting",
    "tracing": "Finding the scene's files",
    "packing": "Packing",
    "hashing": "Hashing",
    "sending": "Sending",
    "unpacking": "The node unpacks it",
    "fetching": "Fetching pictures",
}
STATES = {
    "analysing": "Analysing",
    "probing": "Probing",
    "quoted": "Quoted",
    "funding": "Funding",
    "rendering": "Rendering",
    "settling": "Settling",
    "done": "Done",
    "cancelled": "Cancelled",
    "failed": "Failed",
}


class RAYSWARM_PT_render(bpy.types.Panel):
    """Render the scene on many computers"""

    bl_label = "Rayswarm"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        if not preferences.of(context).token:
            column = layout.column()
            column.label(text="No node is set up yet.")
            column.operator("preferences.addon_show", text="Set Up").module = __package__
            return
        current = session.current
        if not current or current.ended:
            draw_order(layout, context)
        if current:
            draw_run(layout.box().column(), context, current)


def draw_order(layout, context):
    """What to render, and the two buttons."""
    asked, scene = settings.of(context), context.scene
    column = layout.column()
    column.row().prop(asked, "what", expand=True)
    if asked.what == "FRAMES":
        column.prop(asked, "frames")
    column.prop(asked, "budget")
    if scene.render.engine != "CYCLES":
        column.prop(asked, "use_cycles")
    row = layout.row(align=True)
    row.operator("rayswarm.quote", icon="VIEWZOOM")
    row.operator("rayswarm.submit", icon="RENDER_STILL" if asked.what == "STILL" else "RENDER_ANIMATION")
    layout.operator("rayswarm.follow", icon="VIEW_PAN")


def draw_run(column, context, current):
    """What is known of the run, and what can be done."""
    if current.job:
        column.label(text=current.job["name"], icon="SCENE_DATA", translate=False)
    if current.question:
        draw_question(column, context, current.question)
        return
    draw_progress(column, current)
    if current.lost:
        wrapped(column, context, current.lost.detail, "UNLINKED")
    if current.problem:
        wrapped(column, context, current.problem.title, "ERROR")
        wrapped(column, context, current.problem.detail)
        wrapped(column, context, current.problem.next_step, "FORWARD")
    if current.quoted and not current.is_final and not current.ended:
        draw_quote(column, context, current.quoted)
    draw_buttons(column, current)


def draw_question(column, context, question):
    count = len(question.files)
    wrapped(
        column,
        context,
        iface("The scene reads files outside its folder. Send them too? They go to other machines."),
        "QUESTION",
    )
    for path in question.files[:FILES_SHOWN]:
        wrapped(column, context, path)
    if count > FILES_SHOWN:
        column.label(text=iface("and %d more") % (count - FILES_SHOWN))
    row = column.row(align=True)
    row.operator("rayswarm.answer", text="Send Them Too").allow = True
    row.operator("rayswarm.answer", text="Stop").allow = False


def draw_progress(column, current):
    if current.ended:
        text = STATES.get(current.state) or ("Stopped" if not current.problem else "Not sent")
        column.label(text=text, icon="CHECKMARK" if current.state == "done" else "NONE")
        return
    stage = current.stage
    if current.job and not current.is_final:
        text, factor = iface(STATES.get(current.state, current.state)), current.job["progress_permille"] / 1000
        if current.job["paused"]:
            text = f"{text} ({iface('paused')})"
        if current.state == "rendering":
            text += f": {current.job['frames_finished']}/{current.job['frames']}"
        if current.job.get("eta_s") is not None:
            text += f", {iface('about %s to go') % words.span(current.job['eta_s'])}"
    else:
        text, factor = iface(STAGES.get(stage.name, stage.name)), stage.done / stage.total if stage.total else 0.0
        if stage.name in ("packing", "hashing", "sending") and stage.total:
            text += f": {words.size(stage.done)} / {words.size(stage.total)}"
    column.progress(text=text, factor=factor, translate=False)


def draw_quote(column, context, quoted):
    quote = quoted.quote
    price = words.amount(quote["price"], quoted.decimals, quoted.symbol)
    budget = words.amount(quote["budget"], quoted.decimals, quoted.symbol)
    column.label(text=iface("Price: %s, at most %s") % (price, budget))
    times = tuple(words.span(quote[name]) for name in ("time_s", "time_low_s", "time_high_s"))
    column.label(text=iface("Time: %s (%s to %s)") % times)
    for finding in quoted.findings[:FINDINGS_SHOWN]:
        wrapped(column, context, f"{finding['message']}: {finding['remedy']}", "INFO")
    if session.current.state == "quoted":
        column.operator("rayswarm.start", text=iface("Start for at most %s") % budget, translate=False, icon="PLAY")


def draw_buttons(column, current):
    row = column.row(align=True)
    if not current.ended:
        row.operator("rayswarm.cancel", icon="CANCEL")
        row.operator("rayswarm.let_go", icon="UNLINKED")
        return
    if current.pictures:
        row.operator("rayswarm.show", icon="IMAGE_DATA")
        row.operator("rayswarm.keep", icon="FILE_TICK")
        column.operator("rayswarm.to_sequencer", icon="SEQUENCE")
        if not current.kept:
            column.label(text="Not saved yet: the pictures go away with Blender.", icon="INFO")
    column.operator("rayswarm.let_go", text="Close", icon="X")


def wrapped(column, context, text, icon="NONE"):
    """Labels for a text of any length, which Blender itself would cut off."""
    scale = context.preferences.system.ui_scale
    letters = max(LETTERS_MIN, int((context.region.width - MARGIN_PIXELS) / (LETTER_PIXELS * scale)))
    # Chinese letters are twice as wide.
    for line in textwrap.wrap(text, letters if text.isascii() else letters // 2):
        column.label(text=line, icon=icon, translate=False)
        icon = "BLANK1" if icon != "NONE" else "NONE"


register, unregister = bpy.utils.register_classes_factory((RAYSWARM_PT_render,))
