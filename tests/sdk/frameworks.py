"""Frameworks that convert an MCP server's tools to tool objects of their own.

usage: frameworks.py SERVER [ARG…]
Each of them lists every tool of the server, converts it without a warning, and calls one. The server must be over the
sample cluster and list all toolsets.
"""
import asyncio
import json
import logging
import sys
import warnings

COMMAND, ARGS = sys.argv[1], sys.argv[2:]
CALL, ARGUMENTS, EXPECTED = "proxmox_get_guest_state", {"vmid": 105}, "qmpstatus"


class Complaints(logging.Handler):
    """Collects the warnings that a framework logs."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.said = []

    def emit(self, record):
        self.said.append(f"{record.name}: {record.getMessage()}")


async def expected():
    """The names of the server's tools."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    async with stdio_client(StdioServerParameters(command=COMMAND, args=ARGS)) as streams:
        async with ClientSession(*streams) as session:
            await session.initialize()
            return {tool.name for tool in (await session.list_tools()).tools}


def smolagents():
    from mcp import StdioServerParameters
    from smolagents import ToolCollection

    server = StdioServerParameters(command=COMMAND, args=ARGS)
    with ToolCollection.from_mcp(server, trust_remote_code=True, structured_output=False) as collection:
        tools = {tool.name: tool for tool in collection.tools}
        return set(tools), str(tools[CALL](**ARGUMENTS))


async def openai_agents():
    from agents import Agent, RunContextWrapper
    from agents.mcp import MCPServerStdio
    from agents.mcp.util import MCPUtil
    from agents.tool_context import ToolContext

    async with MCPServerStdio(params={"command": COMMAND, "args": ARGS}) as server:
        agent, context = Agent(name="test", mcp_servers=[server]), RunContextWrapper(context=None)
        found = set()
        for strict in (False, True):
            tools = {tool.name: tool for tool in await MCPUtil.get_all_function_tools([server], strict, context, agent)}
            assert not found or found == set(tools), found ^ set(tools)
            found = set(tools)
        arguments = json.dumps(ARGUMENTS)
        call = ToolContext(context=None, tool_name=CALL, tool_call_id="1", tool_arguments=arguments)
        return found, str(await tools[CALL].on_invoke_tool(call, arguments))


async def langchain():
    from langchain_mcp_adapters.client import MultiServerMCPClient

    client = MultiServerMCPClient({"proxmox": {"transport": "stdio", "command": COMMAND, "args": ARGS}})
    tools = {tool.name: tool for tool in await client.get_tools()}
    # The form that a model sees.
    from langchain_core.utils.function_calling import convert_to_openai_tool

    for tool in tools.values():
        assert convert_to_openai_tool(tool)["function"]["parameters"]["type"] == "object", tool.name
    return set(tools), str(await tools[CALL].ainvoke(ARGUMENTS))


async def pydantic_ai():
    from pydantic_ai import Agent, ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.mcp import MCPToolset
    from pydantic_ai.models.function import FunctionModel
    from fastmcp.client.transports import StdioTransport

    seen, answers = set(), []

    # A model that calls the tool once and repeats its answer.
    def model(messages, info):
        seen.update(tool.name for tool in info.function_tools)
        returned = [part.content for part in messages[-1].parts if part.part_kind == "tool-return"]
        if returned:
            answers.extend(returned)
            return ModelResponse(parts=[TextPart("done")])
        return ModelResponse(parts=[ToolCallPart(CALL, ARGUMENTS)])

    toolset = MCPToolset(StdioTransport(command=COMMAND, args=ARGS))
    async with Agent(FunctionModel(model), toolsets=[toolset]) as agent:
        await agent.run("How is VM 105?")
    return seen, str(answers)


def strands():
    from mcp import StdioServerParameters
    from mcp.client.stdio import stdio_client
    from strands.tools.mcp import MCPClient
    from strands.tools.registry import ToolRegistry

    with MCPClient(lambda: stdio_client(StdioServerParameters(command=COMMAND, args=ARGS))) as client:
        tools, token = [], None
        while True:
            page = client.list_tools_sync(token)
            tools.extend(page)
            token = page.pagination_token
            if token is None:
                break
        registry = ToolRegistry()
        registry.process_tools(tools)
        answer = client.call_tool_sync(tool_use_id="1", name=CALL, arguments=ARGUMENTS)
        assert answer["status"] == "success", answer
        return set(registry.get_all_tools_config()), str(answer)


FRAMEWORKS = (smolagents, openai_agents, langchain, pydantic_ai, strands)


def main():
    names = asyncio.run(expected())
    assert 130 < len(names), f"only {len(names)} tools are listed"
    failed = 0
    for framework in FRAMEWORKS:
        complaints = Complaints()
        logging.getLogger().addHandler(complaints)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                outcome = framework()
                found, answer = asyncio.run(outcome) if asyncio.iscoroutine(outcome) else outcome
                problems = [f"not the same tools: {sorted(names ^ found)}"] if names != found else []
                problems += [] if EXPECTED in answer else [f"{CALL} answered {answer[:300]}"]
            except Exception as error:
                problems = [f"{type(error).__name__}: {error}"]
        logging.getLogger().removeHandler(complaints)
        # Only warnings about the server or its tools count, not a framework's own use of deprecated functions.
        problems += complaints.said
        problems += [str(one.message) for one in warned if not issubclass(one.category, (DeprecationWarning, ResourceWarning))]
        print(f"{'ok' if not problems else 'FAILED':6} {framework.__name__}: {len(names)} tools")
        for problem in problems:
            print(f"       {problem}")
        failed += bool(problems)
    print(f"{len(FRAMEWORKS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
