"""Long-running work as tasks, with the official Python SDK client and support for task results: a task that succeeds,
one that fails, one that is cancelled, and the same calls by clients that did not declare the extension.
usage: tasks.py SERVER COMMAND…"""
import asyncio
import sys
from typing import Literal

import anyio
import mcp_types as types
from mcp import Client
from mcp.client.extension import ClientExtension, ResultClaim
from mcp.client.stdio import StdioServerParameters

EXTENSION = "io.modelcontextprotocol/tasks"


class TaskParams(types.RequestParams):
    taskId: str


class GetTask(types.Request[TaskParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams
    name_param = "taskId"


class CancelTask(types.Request[TaskParams, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: TaskParams


class TaskResult(types.Result):
    model_config = {"extra": "allow"}
    result_type: Literal["task"] = "task"
    taskId: str
    status: str
    pollIntervalMs: int


class TaskState(types.Result):
    model_config = {"extra": "allow"}
    status: str
    result: dict | None = None
    error: dict | None = None


class Tasks(ClientExtension):
    """Polls a task to its end; with `cancel`, cancels it twice first."""

    identifier = EXTENSION

    def __init__(self, cancel=False):
        self.cancel, self.seen = cancel, []

    def claims(self):
        return [ResultClaim(result_type="task", model=TaskResult, resolve=self.resolve)]

    async def resolve(self, task, context):
        params = TaskParams(taskId=task.taskId)
        self.seen.append(task.status)
        for _ in range(2 if self.cancel else 0):
            await context.session.send_request(CancelTask(params=params), types.EmptyResult)
        while True:
            state = await context.session.send_request(GetTask(params=params), TaskState)
            self.seen.append(state.status)
            if state.status == "completed":
                return types.CallToolResult.model_validate(state.result)
            if state.status != "working":
                text = types.TextContent(type="text", text=state.model_extra.get("statusMessage", ""))
                return types.CallToolResult(content=[text])
            await anyio.sleep(task.pollIntervalMs / 1000)


async def call(tool, arguments, extension=None, mode="2026-07-28"):
    parameters = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:])
    extensions = [extension] if extension else []
    async with Client(parameters, mode=mode, extensions=extensions) as client:
        return await client.call_tool(tool, arguments)


def expect(what, holds, result):
    print(("ok" if holds else "FAILED"), what, "" if holds else result)
    return holds


async def main():
    backup, broken = {"vmid": 101, "wait": 1}, {"vmid": 200, "wait": 1}
    ended, failed, cancelled = Tasks(), Tasks(), Tasks(cancel=True)
    good = []

    result = await call("proxmox_create_backup", backup, ended)
    told = result.structured_content or {}
    good.append(expect("a task ends with the answer of its call", told.get("exitstatus") == "OK", result))
    good.append(expect("it was working before", ended.seen[0] == "working" and ended.seen[-1] == "completed", ended.seen))

    result = await call("proxmox_create_backup", backup, cancelled)
    text = result.content[0].text
    good.append(expect("a cancelled task is no longer waited for", cancelled.seen == ["working", "cancelled"], cancelled.seen))
    good.append(expect("and Proxmox goes on", "goes on: UPID:" in text, text))

    # A stopped container cannot be stopped: the Proxmox task fails at once, so no protocol task is created.
    result = await call("proxmox_stop_container", broken, failed)
    good.append(expect("short work is answered at once", result.is_error and not failed.seen, (result, failed.seen)))

    for mode in ("2026-07-28", "legacy"):
        result = await call("proxmox_create_backup", backup, mode=mode)
        told = result.structured_content or {}
        good.append(expect(f"undeclared, {mode}: as before", told.get("task") == "running", result))
    result = await call("proxmox_create_backup", backup, Tasks(), mode="legacy")
    told = result.structured_content or {}
    good.append(expect("declared to an older revision: as before", told.get("task") == "running", result))
    sys.exit(0 if all(good) else 1)


asyncio.run(main())
