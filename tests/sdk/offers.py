"""Prompts, resources and completions, requested by the official Python client.

usage: offers.py SERVER [ARG…]
In each mode of the client, every prompt is fetched, every resource read (as a template too), every argument completed,
and whatever does not exist must yield the right error. The server must use the sample cluster.
"""
import asyncio
import json
import sys

from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

MODES = ("legacy", "auto", "2026-07-28")
VALUES = {"vmid": "101", "node": "pve1"}


async def code_of(wish):
    """The code of the error that this must fail with."""
    try:
        answer = await wish
    except MCPError as error:
        return error.error.code
    raise AssertionError(f"{answer} instead of an error")


async def converse(client):
    modern = client.protocol_version >= "2026"
    # A client with a pinned revision requests neither capabilities nor instructions.
    offered = client.server_capabilities
    if offered.tools is not None:
        assert offered.prompts is not None and offered.resources is not None and offered.completions is not None
        assert len(client.instructions) < 2048

    prompts = (await client.list_prompts()).prompts
    assert len(prompts) == 6, prompts
    for prompt in prompts:
        arguments = {argument.name: VALUES[argument.name] for argument in prompt.arguments}
        got = await client.get_prompt(prompt.name, arguments)
        assert got.messages[0].role == "user" and "proxmox_" in got.messages[0].content.text, got
        for argument in prompt.arguments:
            found = await client.complete(PromptReference(name=prompt.name), {"name": argument.name, "value": ""})
            assert VALUES[argument.name] in found.completion.values, found
            assert found.completion.total == len(found.completion.values), found
    assert await code_of(client.get_prompt("no_such_prompt")) == -32602
    assert await code_of(client.get_prompt("guest_slow")) == -32602
    assert await code_of(client.get_prompt("guest_slow", {"vmid": "web"})) == -32602

    resources = (await client.list_resources()).resources
    assert len(resources) > 3, resources
    for resource in resources:
        contents = (await client.read_resource(str(resource.uri))).contents
        assert str(contents[0].uri) == str(resource.uri) and json.loads(contents[0].text), contents
    templates = [template.uri_template for template in (await client.list_resource_templates()).resource_templates]
    assert templates == ["pve://guest/{vmid}", "pve://node/{node}", "pve://task/{upid}"], templates
    by_name = await client.complete(ResourceTemplateReference(uri=templates[0]), {"name": "vmid", "value": "db01"})
    assert by_name.completion.values == ["101"], by_name
    await client.call_tool("proxmox_start_vm", {"vmid": 100})
    tasks = await client.complete(ResourceTemplateReference(uri=templates[2]), {"name": "upid", "value": "qmstart"})
    log = await client.read_resource("pve://task/" + tasks.completion.values[0])
    assert log.contents[0].mime_type == "text/plain" and log.contents[0].text, log
    missing = -32602 if modern else -32002
    assert await code_of(client.read_resource("pve://guest/999")) == missing
    assert await code_of(client.read_resource("nosuch://nothing/at/all")) == missing

    tools = (await client.list_tools()).tools
    kept = [tool.name for tool in tools if (tool.meta or {}).get("anthropic/alwaysLoad")]
    assert kept == ["proxmox_get_cluster_status"], kept
    return len(prompts), len(resources)


async def main():
    server = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:])
    for mode in MODES:
        async with Client(server, mode=mode, read_timeout_seconds=20) as client:
            prompts, resources = await converse(client)
            print(f"{mode} ({client.protocol_version}): {prompts} prompts, {resources} resources, all as they should be")


asyncio.run(main())
