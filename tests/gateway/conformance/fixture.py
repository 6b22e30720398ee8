"""The server that the official conformance suite is run against: every name that it wants, on the SDK, in both eras."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as types
from mcp import MCPError
from mcp.server import Server
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, PromptsListChanged, ToolsListChanged
from mcp.shared.message import ServerMessageMetadata

from tests.gateway.conformance.dialogues import DIALOGUES, PROMPT_DIALOGUE, Dialogue, ask_for

Context = ServerRequestContext[Any]
Params = types.CallToolRequestParams
Called = types.CallToolResult | types.InputRequiredResult
Handler = Callable[[Context, Params], Awaitable[Called]]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
WAV = base64.b64encode(
    b"RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\2\0\0\0\0\0"
).decode()
MODERN = "2026-07-28"
STEP_SECONDS = 0.05
# What a client is told to wait before it resumes a stream.
RETRY_MS = 100

JSON_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
DEFAULTS: dict[str, Any] = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
OPTIONS = ["option1", "option2", "option3"]
TITLED = [{"const": "value1", "title": "First"}, {"const": "value2", "title": "Second"}]
ENUMS: dict[str, Any] = {
    "untitledSingle": {"type": "string", "enum": OPTIONS},
    "titledSingle": {"type": "string", "oneOf": TITLED},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
}
USER: dict[str, Any] = {
    "type": "object",
    "properties": {"username": {"type": "string"}, "email": {"type": "string"}},
    "required": ["username", "email"],
}


def schema_of(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def say(*content: types.ContentBlock) -> types.CallToolResult:
    return types.CallToolResult(content=list(content))


def text(words: str) -> types.TextContent:
    return types.TextContent(text=words)


def image() -> types.ImageContent:
    return types.ImageContent(data=PNG, mime_type="image/png")


def embed(uri: str, words: str, mime_type: str = "text/plain") -> types.EmbeddedResource:
    return types.EmbeddedResource(
        resource=types.TextResourceContents(uri=uri, mime_type=mime_type, text=words),
    )


CONTENTS: dict[str, list[types.ContentBlock]] = {
    "test_simple_text": [text("This is a simple text response for testing.")],
    "test_image_content": [image()],
    "test_audio_content": [types.AudioContent(data=WAV, mime_type="audio/wav")],
    "test_embedded_resource": [embed("test://embedded-resource", "This is an embedded resource content.")],
    "test_multiple_content_types": [
        text("Multiple content types test:"),
        image(),
        embed("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    ],
}


def answer_with(content: list[types.ContentBlock]) -> Handler:
    async def handle(_ctx: Context, _params: Params) -> Called:
        return say(*content)

    return handle


def hold(dialogue: Dialogue) -> Handler:
    async def handle(_ctx: Context, params: Params) -> Called:
        asked = dialogue.ask(params.input_responses, params.request_state)
        return asked or say(text(dialogue.finish(params.input_responses or {})))

    return handle


async def tell(ctx: Context, words: str) -> None:
    is_wanted = ctx.protocol_version < MODERN or types.LOG_LEVEL_META_KEY in (ctx.meta or {})
    if not is_wanted:
        return
    note = types.LoggingMessageNotification(params=types.LoggingMessageNotificationParams(level="info", data=words))
    await ctx.session.send_notification(note, related_request_id=ctx.request_id)


async def log_steps(ctx: Context, _params: Params) -> Called:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await tell(ctx, words)
        await asyncio.sleep(STEP_SECONDS)
    return say(text("Logged."))


async def report_progress(ctx: Context, _params: Params) -> Called:
    for done in (0, 50, 100):
        await ctx.session.report_progress(done, 100)
        await asyncio.sleep(STEP_SECONDS)
    return say(text("Reported."))


async def fail(_ctx: Context, _params: Params) -> Called:
    return types.CallToolResult(content=[text("This tool intentionally returns an error for testing")], is_error=True)


async def sample(ctx: Context, params: Params) -> Called:
    prompt = str((params.arguments or {}).get("prompt", ""))
    message = types.SamplingMessage(role="user", content=text(prompt))
    request = types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=[message], max_tokens=100))
    found = await ctx.session.send_request(request, types.CreateMessageResult, metadata=related(ctx))
    return say(text(f"LLM response: {found.content.text if isinstance(found.content, types.TextContent) else ''}"))


async def list_roots(ctx: Context, _params: Params) -> Called:
    found = await ctx.session.send_request(types.ListRootsRequest(), types.ListRootsResult, metadata=related(ctx))
    return say(text(f"Roots: {', '.join(str(root.uri) for root in found.roots)}"))


def elicit(schema: dict[str, Any]) -> Handler:
    async def handle(ctx: Context, params: Params) -> Called:
        message = str((params.arguments or {}).get("message", "Please answer"))
        request = types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))
        found = await ctx.session.send_request(request, types.ElicitResult, metadata=related(ctx))
        return say(text(f"Elicitation completed: action={found.action}, content={json.dumps(found.content or {})}"))

    return handle


def related(ctx: Context) -> ServerMessageMetadata:
    return ServerMessageMetadata(related_request_id=ctx.request_id)


async def reconnect(ctx: Context, _params: Params) -> Called:
    if ctx.close_sse_stream is not None:
        await ctx.close_sse_stream()
    await asyncio.sleep(2 * RETRY_MS / 1000)
    return say(text("Reconnection test completed"))


async def want_sampling(ctx: Context, _params: Params) -> Called:
    declared = ctx.session.client_capabilities
    if declared is None or declared.sampling is None:
        data: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "Sampling is needed.", data)
    return say(text("Sampling is declared."))


async def ask_what_is_declared(ctx: Context, params: Params) -> Called:
    if params.input_responses:
        return say(text("Thank you."))
    declared = ctx.session.client_capabilities or types.ClientCapabilities()
    asked = ask_for(
        elicitation=declared.elicitation is not None,
        sampling=declared.sampling is not None,
        roots=declared.roots is not None,
    )
    return types.InputRequiredResult(input_requests=asked) if asked else say(text("Nothing may be asked."))


bus = InMemorySubscriptionBus()


async def change_tools(_ctx: Context, _params: Params) -> Called:
    await bus.publish(ToolsListChanged())
    return say(text("The tools have changed."))


async def change_prompts(_ctx: Context, _params: Params) -> Called:
    await bus.publish(PromptsListChanged())
    return say(text("The prompts have changed."))


HANDLERS: dict[str, tuple[Handler, dict[str, Any]]] = {
    **{name: (answer_with(content), schema_of()) for name, content in CONTENTS.items()},
    **{name: (hold(dialogue), schema_of()) for name, dialogue in DIALOGUES.items()},
    "test_streaming_elicitation": (hold(DIALOGUES["test_input_required_result_elicitation"]), schema_of()),
    "test_tool_with_logging": (log_steps, schema_of()),
    "test_logging_tool": (log_steps, schema_of()),
    "test_tool_with_progress": (report_progress, schema_of()),
    "test_error_handling": (fail, schema_of()),
    "test_sampling": (sample, schema_of(prompt={"type": "string"})),
    "test_roots": (list_roots, schema_of()),
    "test_elicitation": (elicit(USER), schema_of(message={"type": "string"})),
    "test_elicitation_sep1034_defaults": (elicit({"type": "object", "properties": DEFAULTS}), schema_of()),
    "test_elicitation_sep1330_enums": (elicit({"type": "object", "properties": ENUMS}), schema_of()),
    "test_reconnection": (reconnect, schema_of()),
    "json_schema_2020_12_tool": (answer_with([text("Read.")]), JSON_SCHEMA),
    "test_x_mcp_header": (
        answer_with([text("Routed.")]),
        {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
    ),
    "test_missing_capability": (want_sampling, schema_of()),
    "test_input_required_result_capabilities": (ask_what_is_declared, schema_of()),
    "test_trigger_tool_change": (change_tools, schema_of()),
    "test_trigger_prompt_change": (change_prompts, schema_of()),
}


async def list_tools(_ctx: Context, _params: Any) -> types.ListToolsResult:
    tools = [
        types.Tool(name=name, description=f"The tool {name}.", input_schema=schema)
        for name, (_, schema) in HANDLERS.items()
    ]
    return types.ListToolsResult(tools=tools)


async def call_tool(ctx: Context, params: Params) -> Called:
    found = HANDLERS.get(params.name)
    if found is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
    return await found[0](ctx, params)


PROMPTS: dict[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}


async def list_prompts(_ctx: Context, _params: Any) -> types.ListPromptsResult:
    prompts = [
        types.Prompt(
            name=name,
            description=f"The prompt {name}.",
            arguments=[types.PromptArgument(name=argument, required=True) for argument in arguments],
        )
        for name, arguments in PROMPTS.items()
    ]
    return types.ListPromptsResult(prompts=prompts)


async def get_prompt(
    _ctx: Context, params: types.GetPromptRequestParams
) -> types.GetPromptResult | types.InputRequiredResult:
    given = params.arguments or {}
    if params.name == "test_simple_prompt":
        return speak(text("This is a simple prompt for testing."))
    if params.name == "test_prompt_with_arguments":
        return speak(text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"))
    if params.name == "test_prompt_with_embedded_resource":
        resource = embed(given["resourceUri"], "Embedded resource content for testing.")
        return speak(resource, text("Please process the embedded resource above."))
    if params.name == "test_prompt_with_image":
        return speak(image(), text("Please analyze the image above."))
    if params.name == "test_input_required_result_prompt":
        asked = PROMPT_DIALOGUE.ask(params.input_responses, params.request_state)
        return asked or speak(text(PROMPT_DIALOGUE.finish(params.input_responses or {})))
    raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")


def speak(*content: types.ContentBlock) -> types.GetPromptResult:
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=each) for each in content])


RESOURCES: dict[str, types.TextResourceContents | types.BlobResourceContents] = {
    "test://static-text": types.TextResourceContents(
        uri="test://static-text", mime_type="text/plain", text="This is the content of the static text resource."
    ),
    "test://static-binary": types.BlobResourceContents(uri="test://static-binary", mime_type="image/png", blob=PNG),
    "test://watched-resource": types.TextResourceContents(
        uri="test://watched-resource", mime_type="text/plain", text="Watched."
    ),
}
TEMPLATE = "test://template/{id}/data"


async def list_resources(_ctx: Context, _params: Any) -> types.ListResourcesResult:
    resources = [
        types.Resource(uri=uri, name=uri.partition("//")[2], description=f"The resource {uri}.", mime_type=it.mime_type)
        for uri, it in RESOURCES.items()
    ]
    return types.ListResourcesResult(resources=resources)


async def list_templates(_ctx: Context, _params: Any) -> types.ListResourceTemplatesResult:
    template = types.ResourceTemplate(uri_template=TEMPLATE, name="template", mime_type="application/json")
    return types.ListResourceTemplatesResult(resource_templates=[template])


async def read_resource(_ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    uri = str(params.uri)
    head, _, tail = TEMPLATE.partition("{id}")
    if uri.startswith(head) and uri.endswith(tail):
        number = uri.removeprefix(head).removesuffix(tail)
        words = json.dumps({"id": number, "templateTest": True, "data": f"Data for ID: {number}"})
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type="application/json", text=words)]
        )
    if uri not in RESOURCES:
        raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": uri})
    return types.ReadResourceResult(contents=[RESOURCES[uri]])


async def accept(_ctx: Context, _params: Any) -> types.EmptyResult:
    return types.EmptyResult()


async def complete(_ctx: Context, _params: types.CompleteRequestParams) -> types.CompleteResult:
    return types.CompleteResult(completion=types.Completion(values=["paris", "park"], total=2, has_more=False))


class Events(EventStore):
    """Every event of every stream, in memory; an event's id is its place."""

    def __init__(self) -> None:
        self._events: list[tuple[str, types.JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: types.JSONRPCMessage | None) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        if not last_event_id.isdigit() or not 0 < int(last_event_id) <= len(self._events):
            return None
        stream = self._events[int(last_event_id) - 1][0]
        for number, (found, message) in enumerate(self._events[int(last_event_id) :], int(last_event_id) + 1):
            if found == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def make_app() -> Any:
    """The ASGI application: /mcp in both eras, legacy streams resumable."""
    server: Server[Any] = Server(
        "conformance-fixture",
        version="1",
        cache_hints={
            method: CacheHint(ttl_ms=60_000, scope="public")
            for method in (
                "tools/list",
                "prompts/list",
                "resources/list",
                "resources/templates/list",
                "resources/read",
            )
        },
        get_tool_input_schema=lambda name: HANDLERS[name][1] if name in HANDLERS else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscribe_resource=accept,
        on_unsubscribe_resource=accept,
        on_subscriptions_listen=ListenHandler(bus),
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
    )
    # Not as an argument: the legacy era alone has it, and the SDK warns of it there.
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, accept)
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience="fixture"))
    return server.streamable_http_app(event_store=Events(), retry_interval=RETRY_MS)
