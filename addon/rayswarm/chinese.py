# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see, in Chinese. What the node says stays as it says it."""

import bpy

LOCALE = "zh_HANS"

TEXTS = {
    "Quote": "报价",
    "Submit": "提交",
    "Start": "开始",
    "Cancel": "取消",
    "Answer": "回答",
    "Let Go": "不再跟踪",
    "Follow a Job": "跟踪作业",
    "Check Connection": "检查连接",
    "Show": "显示",
    "Save Pictures": "保存图片",
    "Add to Sequencer": "添加到序列编辑器",
    "Close": "关闭",
    "Stop": "停止",
    "Send Them Too": "一并发送",
    "Set Up": "设置",
    "Send the scene and learn what rendering it costs. Nothing is paid before you start it": (
        "发送场景并得到渲染报价。开始之前不会付款"
    ),
    "Send the scene and render it as soon as it is quoted, within the budget, without another question": (
        "发送场景，得到报价后即在预算内开始渲染，不再询问"
    ),
    "Accept the quote: the budget is locked and rendering begins": "接受报价：锁定预算并开始渲染",
    "End the job early: finished work is paid, the rest comes back": "提前结束作业：支付已完成的部分，其余退回",
    "Stop following the job. It goes on at the node, and can be followed again": (
        "不再跟踪此作业。它在节点上继续，可重新跟踪"
    ),
    "Follow a job that the node has already, and fetch its pictures": "跟踪节点上已有的作业并取回图片",
    "Ask the node who it is": "询问节点的身份",
    "Show the result in an Image Editor": "在图像编辑器中显示结果",
    "Copy the pictures to a folder. Until then they are in a temporary one, which goes away with Blender": (
        "将图片复制到文件夹。在此之前图片位于临时文件夹，随 Blender 关闭而消失"
    ),
    "Add the frames or the film as a strip, in a scene of its own. Pictures that are not kept yet are saved first": (
        "将帧或影片作为片段添加到单独的场景。尚未保存的图片会先保存"
    ),
    "Say whether files outside the scene's folder may be sent": "说明场景文件夹之外的文件是否可以发送",
    "Allow": "允许",
    "Job": "作业",
    "Its name or id, or a part of them; the newest that fits": "其名称或编号，或其中一部分；取最新的匹配项",
    "Folder": "文件夹",
    "Send": "发送",
    "Send a Temporary Copy": "发送临时副本",
    "Save the File and Send It": "保存文件并发送",
    "Send It as It Was Saved": "按已保存的内容发送",
    "Send a copy of the scene as it is now. The file stays as it is": "发送场景当前状态的副本。文件保持不变",
    "Save the file, then send it": "保存文件，然后发送",
    "Send the file as it is on the disk, without the changes since": "发送磁盘上的文件，不含之后的改动",
    "This File Is Not Saved": "此文件未保存",
    "The file was changed since it was saved.": "文件在保存后有改动。",
    "It has never been saved. A temporary copy is sent.": "文件从未保存。将发送临时副本。",
    "Painted and not saved, so sent as they were: %s": "已绘制但未保存，按原样发送：%s",
    "Render": "渲染",
    "What is rendered": "渲染的内容",
    "Still": "静帧",
    "Animation": "动画",
    "Frames": "帧",
    "The frame the scene stands at": "场景当前帧",
    "All frames of the scene's range": "场景范围内的所有帧",
    "A selection of frames": "选定的帧",
    "Frames like 1-48 or 1,5,9-20x2": "帧，例如 1-48 或 1,5,9-20x2",
    "Budget": "预算",
    "The most it may cost, in tokens. Empty: the upper price of the quote": "最高费用，以代币计。留空：报价的上限",
    "Render with Cycles": "用 Cycles 渲染",
    "Render with Cycles though the scene asks for another renderer. The picture will look different": (
        "场景使用其他渲染器，仍用 Cycles 渲染。画面会有所不同"
    ),
    "Node": "节点",
    "Token": "令牌",
    "Certificate SHA-256": "证书 SHA-256",
    "Address of the Rayswarm node. What `rayswarm studio` prints may be pasted whole": (
        "Rayswarm 节点的地址。可直接粘贴 `rayswarm studio` 输出的完整地址"
    ),
    "Token of the node. It needs the scopes read and jobs, and spend to start jobs": (
        "节点的令牌。需要 read 和 jobs 权限；启动作业还需要 spend"
    ),
    "What `rayswarm up --https` prints, where the node made its certificate itself. Empty: one that this machine trusts": (
        "节点自制证书时，`rayswarm up --https` 输出的内容。留空：使用本机信任的证书"
    ),
    "No node is set up yet.": "尚未设置节点。",
    "Connecting": "正在连接",
    "Finding the scene's files": "正在查找场景所需文件",
    "Packing": "正在打包",
    "Hashing": "正在计算校验值",
    "Sending": "正在发送",
    "The node unpacks it": "节点正在解包",
    "Fetching pictures": "正在取回图片",
    "Analysing": "分析中",
    "Probing": "试渲染中",
    "Quoted": "已报价",
    "Funding": "锁定预算中",
    "Rendering": "渲染中",
    "Settling": "结算中",
    "Done": "完成",
    "Cancelled": "已取消",
    "Failed": "失败",
    "Stopped": "已停止",
    "Not sent": "未发送",
    "paused": "已暂停",
    "about %s to go": "约剩 %s",
    "Price: %s, at most %s": "价格：%s，最高 %s",
    "Time: %s (%s to %s)": "时间：%s（%s 至 %s）",
    "Start for at most %s": "开始，最高 %s",
    "The scene reads files outside its folder. Send them too? They go to other machines.": (
        "场景读取了其文件夹之外的文件。是否一并发送？它们会传到其他机器。"
    ),
    "and %d more": "以及另外 %d 个",
    "Not saved yet: the pictures go away with Blender.": "尚未保存：图片会随 Blender 关闭而消失。",
    "A job is under way: cancel it or let it go first": "有作业正在进行：请先取消或不再跟踪",
}


def register():
    # Names of operators are looked up apart from all other texts.
    texts = {(group, text): chinese for text, chinese in TEXTS.items() for group in ("*", "Operator")}
    bpy.app.translations.register(__package__, {LOCALE: texts})


def unregister():
    bpy.app.translations.unregister(__package__)
