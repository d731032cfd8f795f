# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: which node, and with which token."""

import bpy

from . import session
from .client.connection import Node, is_loopback, parse_address
from .client.problem import Refused


def split_address(preferences, _context):
    """Takes the token out of an address as `rayswarm studio` prints it."""
    try:
        address, token = parse_address(preferences.address)
    except Refused:
        # Told when the node is called.
        return
    if token:
        preferences.token = token
    if preferences.address != address:
        preferences.address = address


class RayswarmPreferences(bpy.types.AddonPreferences):
    """The node."""

    bl_idname = __package__

    address: bpy.props.StringProperty(
        name="Node",
        description="Address of the Rayswarm node. What `rayswarm studio` prints may be pasted whole",
        default="http://127.0.0.1:3000",
        update=split_address,
    )
    token: bpy.props.StringProperty(
        name="Token",
        description="Token of the node. It needs the scopes read and jobs, and spend to start jobs",
        subtype="PASSWORD",
    )
    fingerprint: bpy.props.StringProperty(
        name="Certificate SHA-256",
        description="What `rayswarm up --https` prints, where the node made its certificate itself. "
        "Empty: one that this machine trusts",
    )

    def draw(self, _context):
        column = self.layout.column()
        column.use_property_split = True
        column.prop(self, "address")
        column.prop(self, "token")
        column.prop(self, "fingerprint")
        column.operator("rayswarm.check", icon="LINKED")
        if session.checked:
            column.label(text=session.checked, translate=False)


def of(context):
    """The preferences."""
    return context.preferences.addons[__package__].preferences


def node(context):
    """The node that the preferences name. Raises Refused, also where Blender is to stay offline."""
    chosen = of(context)
    made = Node(chosen.address, chosen.token, chosen.fingerprint)
    if not is_loopback(made.address) and not bpy.app.online_access:
        raise Refused.because(
            "offline_access",
            f"{made.address} is another machine, and Blender is set to stay offline",
            "Preferences > System > Network > Allow Online Access",
        )
    return made


def register():
    bpy.utils.register_class(RayswarmPreferences)


def unregister():
    bpy.utils.unregister_class(RayswarmPreferences)
