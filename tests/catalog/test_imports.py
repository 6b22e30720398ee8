"""What is made of a registry's export and of a server's own words: judged, unreviewed, and never trusted."""

import json
from typing import Any

import pytest

from catalog.datafile import DataFileError, ServerEntry
from catalog.imports import OfferedTool, make_data_file, make_slug, read_registry, read_tools

SERVER = ServerEntry("harbour-desk", "Harbour Desk", "harbour", "not named", "not named", "1.0", "stdio", ())
SCHEMA = {"type": "object", "properties": {"amount": {"type": "string"}}}


def offer(name: str, **fields: Any) -> OfferedTool:
    return OfferedTool(name, {"name": name, "inputSchema": SCHEMA, **fields})


def registry(**fields: Any) -> dict[str, Any]:
    return {"name": "io.example/harbour-desk", "description": "Berths and cargo.", "version": "1.2.0", **fields}


def test_tools_are_judged_and_left_unreviewed() -> None:
    made = make_data_file(
        SERVER, [offer("sendMoney"), offer("getTides", description="Returns tides.")], needs_auth=True
    )
    pay, read = made.file.tools
    assert (pay.category, pay.risk, pay.is_reviewed) == ("financial", "high", False)
    assert (read.category, read.summary, read.is_reviewed) == ("read", "Returns tides.", False)
    assert read.title == "Get tides"
    assert "Nobody has reviewed it yet" in read.rationale


def test_a_tool_that_no_policy_could_name_is_left_out_and_counted() -> None:
    odd = [offer("a b"), OfferedTool("noSchema", {}), offer("list", inputSchema=[]), offer("good"), offer("GOOD")]
    made = make_data_file(SERVER, odd, needs_auth=False)
    assert [tool.name for tool in made.file.tools] == ["good"]
    assert made.left_out == 4


def test_texts_become_one_line_of_visible_characters() -> None:
    told = offer("read", title="A\u202etitle\x00", description="one\ntwo\u200b" + "x" * 5000)
    tool = make_data_file(SERVER, [told], needs_auth=False).file.tools[0]
    assert tool.title == "A title"
    assert tool.summary.startswith("one two x")
    assert len(tool.summary) == 2000


def test_a_server_without_a_tool_is_refused() -> None:
    with pytest.raises(DataFileError, match="field tools"):
        make_data_file(SERVER, [offer("a b")], needs_auth=False)


def test_a_registrys_server_is_read_with_its_package_or_its_address() -> None:
    package = {
        "registryType": "npm",
        "identifier": "@harbour/desk",
        "transport": {"type": "stdio"},
        "environmentVariables": [{"name": "KEY", "isRequired": True, "isSecret": True}, {"name": "ZONE"}],
    }
    repository = {"url": "https://example.com/harbour/desk", "source": "git"}
    (entry,) = read_registry(json.dumps(registry(packages=[package], repository=repository, title="Harbour")).encode())
    server = entry.server
    assert (server.slug, server.name, server.publisher) == ("io-example-harbour-desk", "Harbour", "io.example")
    assert (server.package, server.transport, server.requires_env) == ("@harbour/desk", "stdio", ("KEY",))
    assert (server.release, server.summary, entry.url, entry.tools) == ("1.2.0", "Berths and cargo.", "", ())
    remotes = [
        {"type": "sse", "url": "https://example.com/sse"},
        {"type": "streamable-http", "url": "https://{zone}.example.com/mcp"},
        {"type": "streamable-http", "url": "https://example.com/mcp"},
    ]
    (entry,) = read_registry(json.dumps(registry(remotes=remotes)).encode())
    assert entry.url == "https://example.com/mcp"


def test_an_answer_of_the_registrys_list_and_a_list_of_servers_are_read_alike() -> None:
    meta = {"io.modelcontextprotocol.registry/publisher-provided": {"tools": [{"name": "x", "inputSchema": SCHEMA}]}}
    listed = {"servers": [{"server": registry(_meta=meta), "_meta": {}}, {"server": registry(name="a/b")}]}
    first, second = read_registry(json.dumps(listed).encode())
    assert [tool.name for tool in first.tools] == ["x"]
    assert second.server.slug == "a-b"
    assert len(read_registry(json.dumps([registry(), registry(name="a/b")]).encode())) == 2


@pytest.mark.parametrize(
    "text", ["", "[", "7", "[7]", "{}", '{"servers": [{}]}', '{"name": "no-slash"}', "[" * 100_000]
)
def test_what_is_no_export_is_refused(text: str) -> None:
    with pytest.raises(DataFileError):
        read_registry(text.encode())


@pytest.mark.parametrize("text", ["", "7", "{}", '{"tools": 7}', '{"result": {}}'])
def test_what_is_no_list_of_tools_is_refused(text: str) -> None:
    with pytest.raises(DataFileError):
        read_tools(text.encode())


def test_a_list_of_tools_is_read_bare_and_as_a_result() -> None:
    tools = [{"name": "x", "inputSchema": SCHEMA}]
    for document in (tools, {"tools": tools}, {"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}):
        assert [tool.name for tool in read_tools(json.dumps(document).encode())] == ["x"]


def test_a_slug_is_made_of_what_an_address_may_hold() -> None:
    assert make_slug("io.GitHub.some_one/My--Server!") == "io-github-some-one-my-server"
