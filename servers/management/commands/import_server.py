"""manage.py import_server: adds a server to the catalogue, from its live endpoint or from a registry's export."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.datafile import DataFileError, ServerEntry
from catalog.imports import OfferedTool, RegistryEntry, make_data_file, read_registry, read_tools
from catalog.services import ImportRefusedError, import_server
from servers.discovery import discover
from servers.fingerprint import write_json
from servers.upstream.exchange import ExchangeError
from servers.upstream.target import Target

Headers = tuple[tuple[str, str], ...]


class Command(BaseCommand):
    help = "Add a server to the catalogue. Its tools are judged by the classifier and shown as not reviewed yet."

    def add_arguments(self, parser: CommandParser) -> None:
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--url", help="ask the MCP server at this address for its tools")
        source.add_argument("--registry", type=Path, metavar="FILE", help="JSON export in the MCP registry's form")
        parser.add_argument(
            "--header", type=_header, action="append", default=[], help='sent with --url: "Name: value"'
        )
        parser.add_argument("--slug", help="with --url: its address in the catalogue")
        parser.add_argument("--name", default="", help="with --url: what people call it (default: the slug)")
        parser.add_argument("--publisher", default="", help="with --url: who publishes it (default: its host)")
        parser.add_argument("--release", help="with --url: the release that answers there")
        parser.add_argument("--only", metavar="NAME", help="with --registry: the one server of this name")
        parser.add_argument("--tools", type=Path, metavar="FILE", help="with --registry: a tools/list result of --only")
        parser.add_argument("--output", type=Path, metavar="FOLDER", help="write data files there, and load nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["url"]:
                tools = _ask(options["url"], tuple(options["header"]))
                self._add(_named_by(options), tools, bool(options["header"]), options["output"])
            else:
                self._add_all(options)
        except (DataFileError, ImportRefusedError, ExchangeError, OSError) as error:
            raise CommandError(f"{str(error).rstrip('.')}. Nothing was changed.") from error

    def _add_all(self, options: dict[str, Any]) -> None:
        entries = read_registry(options["registry"].read_bytes())
        wanted = [each for each in entries if options["only"] in (None, each.registry_name)]
        if not wanted:
            raise CommandError(f"The export has no server named {options['only']}.")
        if options["tools"] and len(wanted) > 1:
            raise CommandError("--tools says what one server offers: name it with --only.")
        given = read_tools(options["tools"].read_bytes()) if options["tools"] else ()
        failed = 0
        for entry in wanted:
            try:
                tools = given or entry.tools or _ask_entry(entry)
                self._add(entry.server, tools, bool(entry.server.requires_env), options["output"])
            except (DataFileError, ImportRefusedError, ExchangeError) as error:
                failed += 1
                self.stderr.write(f"{entry.registry_name}: {error}")
        if failed:
            raise CommandError(f"{failed} of {len(wanted)} servers were not imported.")

    def _add(self, server: ServerEntry, tools: tuple[OfferedTool, ...], needs_auth: bool, output: Path | None) -> None:
        made = make_data_file(server, tools, needs_auth=needs_auth)
        label = f"{server.slug} {server.release}: {len(made.file.tools)} tools, not reviewed yet"
        label += f"; {made.left_out} left out, which no policy could name" if made.left_out else ""
        if output is None:
            import_server(made.file)
            self.stdout.write(f"{label}; at /catalog/{server.slug}/")
            return
        path = output / f"{server.slug}-{server.release}.json"
        text = json.dumps(json.loads(made.file.document), ensure_ascii=False, indent=1)
        path.write_text(f"{text}\n", encoding="utf-8")
        self.stdout.write(f"{label}; written to {path}")


def _ask(url: str, headers: Headers) -> tuple[OfferedTool, ...]:
    """The tools of the server at this address; the address guard judges it, as for every server."""
    found = discover(Target(server_id=uuid4(), url=url, headers=headers))
    # As plain JSON: discovery keeps numbers exact, which a data file does not need.
    return tuple(OfferedTool(tool.name, json.loads(write_json(dict(tool.definition)))) for tool in found.tools)


def _ask_entry(entry: RegistryEntry) -> tuple[OfferedTool, ...]:
    if not entry.url:
        raise DataFileError("it names neither its tools nor an address that could be asked; give them with --tools")
    return _ask(entry.url, ())


def _named_by(options: dict[str, Any]) -> ServerEntry:
    if not options["slug"] or not options["release"]:
        raise CommandError("--url needs --slug and --release: the catalogue keeps servers and releases by them.")
    host = urlsplit(options["url"]).hostname or ""
    return ServerEntry(
        slug=options["slug"],
        name=options["name"] or options["slug"],
        publisher=options["publisher"] or host,
        repository="not named",
        package="not named",
        release=options["release"],
        transport="streamable-http",
        requires_env=tuple(name for name, _ in options["header"]),
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not value.strip():
        raise ArgumentTypeError('write a header like "Authorization: Bearer ..."')
    return name.strip(), value.strip()
