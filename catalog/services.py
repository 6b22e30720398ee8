"""Writes the catalogue: one transaction brings the database to what the data files say, or adds an imported server."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from catalog.datafile import DataFile, DataFileError, ToolEntry, parse_data_file, read_data_file
from catalog.models import KnownRelease, KnownServer, KnownTool
from catalog.releases import order_release
from catalog.stamp import renew_stamp
from catalog.words import name_words

DATA_FOLDER = Path(__file__).resolve().parent / "data"
LOCK = 0x706C6361  # "plca": two loads at once take turns
# The words of a search are those of the tools and servers as they are after the load.
WORDS = """
WITH found AS (
    SELECT DISTINCT word FROM ts_stat($$
        SELECT to_tsvector('simple', concat_ws(' ', name_words, title, summary, context_words)) FROM catalog_knowntool
        UNION ALL SELECT to_tsvector('simple', concat_ws(' ', name, replace(slug, '-', ' '), publisher))
        FROM catalog_knownserver
    $$) WHERE word ~ '^[[:alnum:]]{2,128}$'
), gone AS (DELETE FROM catalog_knownword WHERE word COLLATE "C" NOT IN (SELECT word COLLATE "C" FROM found))
INSERT INTO catalog_knownword (word) SELECT word FROM found ON CONFLICT DO NOTHING
"""


class ImportRefusedError(ValueError):
    """A server that cannot be imported as it is named; the text says why."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did, counted in tools, and in servers that no file describes any more."""

    servers: int
    added: int
    changed: int
    unchanged: int
    removed: int
    servers_removed: int


def load_catalog(folder: Path = DATA_FOLDER) -> LoadReport:
    """Bring servers, releases and tools to what every *.json in `folder` says; what no file names goes.

    Several files may describe releases of one server: its pages show the newest. Imported servers stay, unless a file
    describes them now. All files are read and checked before the first row is written, and all rows are written in one
    transaction: raises DataFileError, naming file, tool and field, and then nothing has changed. The same files again
    change nothing.
    """
    servers = _read_files(folder)
    with transaction.atomic():
        _take_turn()
        gone = KnownServer.objects.exclude(slug__in=servers).exclude(is_imported=True)
        removed = KnownTool.objects.filter(server__in=gone).count()
        servers_removed = gone.count()
        gone.delete()
        parts = [_load_server(files, is_imported=False) for files in servers.values()]
        collect_words()
    renew_stamp()
    return LoadReport(
        servers=len(servers),
        added=sum(part.added for part in parts),
        changed=sum(part.changed for part in parts),
        unchanged=sum(part.unchanged for part in parts),
        removed=removed + sum(part.removed for part in parts),
        servers_removed=servers_removed,
    )


def import_server(file: DataFile) -> LoadReport:
    """Add one server that no file describes, or a further release of one that was imported before.

    Raises ImportRefusedError when the catalogue has the server from a file: its people's word is not written over.
    """
    with transaction.atomic():
        _take_turn()
        present = KnownServer.objects.filter(slug=file.server.slug).first()
        if present is not None and not present.is_imported:
            raise ImportRefusedError(f"The catalogue has {file.server.slug} from a data file, which says more")
        others = [] if present is None else [release.document for release in present.releases.all()]
        files = [*(parse_data_file(document.encode(), "stored") for document in others), file]
        kept = {each.server.release: each for each in files}
        report = _load_server(_in_order(kept.values()), is_imported=True)
        collect_words()
    renew_stamp()
    return report


def _take_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def collect_words() -> None:
    """Make the words that a search knows those of the tools and servers as they are; part of every load."""
    with connection.cursor() as cursor:
        cursor.execute(WORDS)


def _read_files(folder: Path) -> dict[str, list[DataFile]]:
    """The files of each server, its oldest release first."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise DataFileError(f"{folder.name}: no data file there")
    found: dict[str, list[DataFile]] = {}
    seen: dict[tuple[str, str], str] = {}
    for path in paths:
        file = read_data_file(path)
        other = seen.setdefault((file.server.slug, file.server.release), path.name)
        if other != path.name:
            raise DataFileError(f"{path.name}: server: field release: the same server and release are in {other}")
        found.setdefault(file.server.slug, []).append(file)
    return {slug: _in_order(files) for slug, files in found.items()}


def _in_order(files: Iterable[DataFile]) -> list[DataFile]:
    return sorted(files, key=lambda file: order_release(file.server.release))


def _load_server(files: Sequence[DataFile], *, is_imported: bool) -> LoadReport:
    """Store every release, and of the newest (the last) the server's facts and tools."""
    newest = files[-1]
    digest = hashlib.sha256("".join(file.digest for file in files).encode()).hexdigest()
    columns = asdict(newest.server) | {"requires_env": list(newest.server.requires_env)}
    server, _ = KnownServer.objects.update_or_create(
        slug=newest.server.slug, defaults={**columns, "is_imported": is_imported}
    )
    if server.digest != digest:
        KnownServer.objects.filter(pk=server.pk).update(digest=digest, loaded_at=Now())
    _load_releases(server, files)
    return _load_tools(server, newest)


def _load_releases(server: KnownServer, files: Sequence[DataFile]) -> None:
    server.releases.exclude(release__in=[file.server.release for file in files]).delete()
    for position, file in enumerate(files):
        KnownRelease.objects.update_or_create(
            server=server,
            release=file.server.release,
            defaults={"position": position, "document": file.document},
        )


def _load_tools(server: KnownServer, file: DataFile) -> LoadReport:
    present = {tool.name: tool for tool in server.tools.all()}
    wanted = {tool.name: _columns_of(tool, position, file) for position, tool in enumerate(file.tools)}
    removed = [tool.pk for name, tool in present.items() if name not in wanted]
    KnownTool.objects.filter(pk__in=removed).delete()
    changed = [present[name] for name in wanted if name in present and _take(present[name], wanted[name])]
    if changed:
        KnownTool.objects.bulk_update(changed, [field for field in wanted[changed[0].name] if field != "name"])
    added = [KnownTool(server=server, **columns) for name, columns in wanted.items() if name not in present]
    KnownTool.objects.bulk_create(added)
    unchanged = len(wanted) - len(added) - len(changed)
    return LoadReport(1, len(added), len(changed), unchanged, len(removed), 0)


def _columns_of(tool: ToolEntry, position: int, file: DataFile) -> dict[str, Any]:
    return {
        **asdict(tool),
        "position": position,
        "name_words": name_words(tool.name),
        "context_words": f"{tool.module} {file.server.name}",
        "signals": list(tool.signals),
        "attacks": list(tool.attacks),
        "input_schema": json.dumps(tool.input_schema, ensure_ascii=False, separators=(",", ":")),
    }


def _take(tool: KnownTool, columns: dict[str, Any]) -> bool:
    differing: Sequence[str] = [field for field, value in columns.items() if getattr(tool, field) != value]
    for field in differing:
        setattr(tool, field, columns[field])
    return bool(differing)
