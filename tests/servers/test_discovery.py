"""Discovery against real MCP servers of the official SDK, in both eras and both kinds of answer."""

from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest

from servers.discovery import discover, probe
from servers.fingerprint import write_json
from servers.models import Era
from servers.upstream.target import Target
from tests.servers.upstreams import App, Toolbox, Upstream, make_tool, modern, scripted, with_bearer

Serve = Callable[[App], Upstream]


def target_of(upstream: Upstream, *headers: tuple[str, str]) -> Target:
    return Target(uuid4(), upstream.url, headers)


@pytest.mark.parametrize("answers_json", [True, False])
def test_it_speaks_the_modern_era_with_a_server_that_does(upstream: Serve, answers_json: bool) -> None:
    running = upstream(Toolbox(make_tool("getPrice")).app(answers_json=answers_json))
    found = discover(target_of(running))
    assert (found.era, found.protocol_version) == (Era.MODERN, "2026-07-28")
    assert [tool.name for tool in found.tools] == ["getPrice"]
    assert [seen.headers["mcp-method"] for seen in running.seen] == ["server/discover", "tools/list"]
    assert {seen.headers["mcp-protocol-version"] for seen in running.seen} == {"2026-07-28"}


@pytest.mark.parametrize("answers_json", [True, False])
def test_it_falls_back_to_the_legacy_handshake_and_ends_its_session(upstream: Serve, answers_json: bool) -> None:
    running = upstream(Toolbox(make_tool("getPrice")).legacy_app(answers_json=answers_json))
    found = discover(target_of(running))
    assert (found.era, found.protocol_version) == (Era.LEGACY, "2025-11-25")
    assert [tool.name for tool in found.tools] == ["getPrice"]
    assert [seen.method for seen in running.seen] == ["POST", "POST", "POST", "POST", "DELETE"]
    sessions = {seen.headers.get("mcp-session-id") for seen in running.seen[2:]}
    assert len(sessions) == 1 and None not in sessions


@pytest.mark.parametrize("make", [Toolbox.app, Toolbox.legacy_app])
def test_it_reads_every_page(upstream: Serve, make: Callable[[Toolbox], App]) -> None:
    toolbox = Toolbox(*(make_tool(f"tool{number}") for number in range(7)), page=3)
    found = discover(target_of(upstream(make(toolbox))))
    assert [tool.name for tool in found.tools] == [f"tool{number}" for number in range(7)]


def test_it_sends_the_stored_headers_with_every_request(upstream: Serve) -> None:
    running = upstream(with_bearer(Toolbox(make_tool("getPrice")).legacy_app(), "s3cret-token"))
    found = discover(target_of(running, ("Authorization", "Bearer s3cret-token")))
    assert len(found.tools) == 1
    assert {seen.headers["authorization"] for seen in running.seen} == {"Bearer s3cret-token"}


def test_it_sends_what_no_proxy_or_compressor_may_change(upstream: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    running = upstream(Toolbox(make_tool("getPrice")).app())
    discover(target_of(running))
    assert {seen.headers["accept-encoding"] for seen in running.seen} == {"identity"}
    assert {seen.headers["host"] for seen in running.seen} == {f"localhost:{running.port}"}


def test_it_keeps_whole_definitions_with_exact_numbers(upstream: Serve) -> None:
    text = (
        '{"tools":[{"name":"t","_meta":{"x":1.10},"inputSchema":{"type":"object",'
        '"properties":{"q":{"minimum":0.00000000000000000001,"maximum":9007199254740993}}}}]}'
    )
    found = discover(target_of(upstream(scripted(modern(lambda params: text)))))
    definition = found.tools[0].definition
    assert definition["_meta"] == {"x": Decimal("1.10")} and "1.10" in write_json(dict(definition))
    assert found.tools[0].input_schema["properties"] == {
        "q": {"minimum": Decimal("0.00000000000000000001"), "maximum": 9007199254740993}
    }


def test_a_connection_test_reaches_the_first_page_only(upstream: Serve) -> None:
    running = upstream(Toolbox(*(make_tool(f"tool{number}") for number in range(7)), page=3).app())
    assert probe(target_of(running)).protocol_version == "2026-07-28"
    assert len(running.seen) == 2


@pytest.mark.parametrize(
    "name", ["a b", "getPric\u0435", "x\u200by", "", "a" * 129, "a*", "nul\x00", "\uff41", "tab\t"]
)
def test_it_leaves_out_tools_whose_name_has_two_spellings(upstream: Serve, name: str) -> None:
    tools = [make_tool("getPrice"), make_tool(name)]
    found = discover(target_of(upstream(scripted(modern(lambda params: {"tools": tools})))))
    assert [tool.name for tool in found.tools] == ["getPrice"]
    assert found.left_out == 1


@pytest.mark.parametrize("schema", [None, [], "object"])
def test_it_leaves_out_tools_without_an_input_schema(upstream: Serve, schema: object) -> None:
    tools = [make_tool("getPrice"), make_tool("other", inputSchema=schema)]
    found = discover(target_of(upstream(scripted(modern(lambda params: {"tools": tools})))))
    assert ([tool.name for tool in found.tools], found.left_out) == (["getPrice"], 1)
