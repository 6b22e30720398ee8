"""Writes the catalogue: one transaction brings the database to what the data files say."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from catalog.datafile import DataFile, DataFileError, ToolEntry, read_data_file
from catalog.models import KnownServer, KnownTool

DATA_FOLDER = Path(__file__).resolve().parent / "data"
LOCK = 0x706C6361  # "plca": two loads at once take turns


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
    """Bring servers and tools to what every *.json in `folder` says, tools that no file names removed.

    All files are read and checked before the first row is written, and all rows are written in one transaction: raises
    DataFileError, naming file, tool and field, and then nothing has changed. The same files again change nothing.
    """
    files = _read_files(folder)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        gone = KnownServer.objects.exclude(slug__in=[file.server.slug for file in files])
        removed = KnownTool.objects.filter(server__in=gone).count()
        servers_removed = gone.count()
        gone.delete()
        parts = [_load_file(file) for file in files]
    return LoadReport(
        servers=len(files),
        added=sum(part.added for part in parts),
        changed=sum(part.changed for part in parts),
        unchanged=sum(part.unchanged for part in parts),
        removed=removed + sum(part.removed for part in parts),
        servers_removed=servers_removed,
    )


def _read_files(folder: Path) -> list[DataFile]:
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise DataFileError(f"{folder.name}: no data file there")
    files = []
    seen: dict[str, str] = {}
    for path in paths:
        file = read_data_file(path)
        if file.server.slug in seen:
            raise DataFileError(f"{path.name}: server: field slug: also in {seen[file.server.slug]}")
        seen[file.server.slug] = path.name
        files.append(file)
    return files


def _load_file(file: DataFile) -> LoadReport:
    wanted_server = {**asdict(file.server), "requires_env": list(file.server.requires_env), "digest": file.digest}
    server, _ = KnownServer.objects.update_or_create(slug=file.server.slug, defaults=wanted_server)
    present = {tool.name: tool for tool in server.tools.all()}
    wanted = {tool.name: _columns_of(tool, position) for position, tool in enumerate(file.tools)}
    removed = [tool.pk for name, tool in present.items() if name not in wanted]
    KnownTool.objects.filter(pk__in=removed).delete()
    changed = [present[name] for name in wanted if name in present and _take(present[name], wanted[name])]
    if changed:
        KnownTool.objects.bulk_update(changed, [field for field in wanted[changed[0].name] if field != "name"])
    added = [KnownTool(server=server, **columns) for name, columns in wanted.items() if name not in present]
    KnownTool.objects.bulk_create(added)
    unchanged = len(wanted) - len(added) - len(changed)
    return LoadReport(1, len(added), len(changed), unchanged, len(removed), 0)


def _columns_of(tool: ToolEntry, position: int) -> dict[str, Any]:
    return {
        **asdict(tool),
        "position": position,
        "signals": list(tool.signals),
        "attacks": list(tool.attacks),
        "input_schema": json.dumps(tool.input_schema, ensure_ascii=False, separators=(",", ":")),
    }


def _take(tool: KnownTool, columns: dict[str, Any]) -> bool:
    differing: Sequence[str] = [field for field, value in columns.items() if getattr(tool, field) != value]
    for field in differing:
        setattr(tool, field, columns[field])
    return bool(differing)
