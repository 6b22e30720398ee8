"""manage.py load_catalog: brings the catalogue in the database to what catalog/data says."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.datafile import DataFileError
from catalog.services import DATA_FOLDER, load_catalog


class Command(BaseCommand):
    help = "Load every data file of the catalogue. Repeating it changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--folder", type=Path, default=DATA_FOLDER, help="where the *.json files are")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = load_catalog(options["folder"])
        except (DataFileError, OSError) as error:
            raise CommandError(f"{error}. Nothing was changed.") from error
        self.stdout.write(
            f"Catalogue: {report.servers} servers; tools: {report.added} added, {report.changed} changed, "
            f"{report.unchanged} unchanged, {report.removed} removed"
        )
        if report.servers_removed:
            self.stdout.write(f"{report.servers_removed} servers that no file describes were removed")
