# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see is there in Chinese too."""

import ast

import pytest
from conftest import HERE

SOURCES = sorted((HERE.parent / "rayswarm").glob("*.py"))
SHOWN_BY = ("text", "name", "description", "title")
# Said by Blender itself, or in whatever language they are in.
LEFT_ALONE = {
    "Rayswarm",
    "The node.",
    "What to render, and for how much at most.",
    "Render the scene on many computers",
}


def texts_of(source):
    """The texts of a module that Blender shows: labels, descriptions, and what is looked up by hand."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Call):
            shown = [keyword.value for keyword in node.keywords if keyword.arg in SHOWN_BY]
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in ("iface", "poll_message_set"):
                shown += node.args
            yield from (one.value for one in shown if isinstance(one, ast.Constant))
        elif isinstance(node, ast.ClassDef) and any("bpy.types" in ast.unparse(base) for base in node.bases):
            yield ast.get_docstring(node)
            labels = [one for one in node.body if isinstance(one, ast.Assign) and one.targets[0].id == "bl_label"]
            yield from (label.value.value for label in labels)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in (
            "SEND",
            "WHAT",
            "STAGES",
            "STATES",
        ):
            value = ast.literal_eval(node.value)
            yield from value.values() if isinstance(value, dict) else [text for item in value for text in item[1:]]


def chinese():
    tree = ast.parse((HERE.parent / "rayswarm" / "chinese.py").read_text())
    return next(
        ast.literal_eval(node.value)
        for node in tree.body
        if getattr(node, "targets", [None])[0] and node.targets[0].id == "TEXTS"
    )


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_text_is_translated(source):
    missing = {text for text in texts_of(source) if text} - set(chinese()) - LEFT_ALONE
    assert not missing


def test_translations_fill_in_the_same_things():
    for english, translated in chinese().items():
        assert [english.count(mark) for mark in ("%s", "%d")] == [translated.count(mark) for mark in ("%s", "%d")], (
            english
        )


def test_no_translation_is_left_over():
    used = {text for source in SOURCES for text in texts_of(source)}
    # Chosen between while the program runs.
    used |= {"Stopped", "Not sent"}
    assert set(chinese()) <= used, set(chinese()) - used
