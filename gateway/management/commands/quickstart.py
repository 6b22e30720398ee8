"""`manage.py quickstart`: the command line of gateway.quickstart; prints one JSON object, or why there is none."""

import json
import os
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand
from django.core.validators import validate_email
from django.db import OperationalError

from gateway.quickstart import QuickstartError, Wanted, as_json, run_quickstart

NO_FOLDER = (
    "quickstart keeps what it made in the data folder of ./run: start it as ./run quickstart, or set POLICYLAYER_DATA."
)


class Command(BaseCommand):
    help = "Makes a verified person, an organisation, a server, a policy and a grant, and prints how to use them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object (otherwise lines to read)")
        parser.add_argument("--email", type=parse_email, help="who to make (default: you@example.com)")
        parser.add_argument("--organisation", type=parse_words(80), help='its name (default: "Quick start")')
        parser.add_argument(
            "--server",
            type=parse_words(2000),
            metavar="simulator|URL",
            help="default: the organisation's last, or the simulator",
        )
        parser.add_argument(
            "--header", type=parse_header, action="append", default=[], metavar='"K: V"', help="for the server; repeat"
        )
        parser.add_argument("--policy", type=parse_file, metavar="FILE", help="the document to publish")
        parser.add_argument("--grant", type=parse_words(80), metavar="LABEL", help="default: quickstart")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = Wanted(
            email=options["email"],
            organisation=options["organisation"],
            server=options["server"],
            headers=tuple(options["header"]),
            policy=options["policy"],
            grant=options["grant"],
        )
        try:
            made = as_json(run_quickstart(wanted, find_folder()))
        except QuickstartError as error:
            self.fail(str(error))
        except OperationalError:
            self.fail("PostgreSQL does not answer: is PolicyLayer running?")
        if options["json"]:
            self.stdout.write(json.dumps(made, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(f"{name + ':':13} {value}" for name, value in made.items()))

    def fail(self, sentence: str) -> NoReturn:
        self.stderr.write(sentence)
        raise SystemExit(1)


def find_folder() -> Path:
    name = os.environ.get("POLICYLAYER_DATA", "")
    if not name:
        raise QuickstartError(NO_FOLDER)
    folder = Path(name)
    if not folder.is_dir():
        raise QuickstartError("POLICYLAYER_DATA names a folder that does not exist.")
    return folder


def parse_email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ArgumentTypeError("give an e-mail address") from None
    return text


def parse_words(limit: int) -> Any:
    def parse(text: str) -> str:
        words = text.strip()
        if not words or len(words) > limit:
            raise ArgumentTypeError(f"give 1 to {limit} characters")
        return words

    return parse


def parse_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not value.strip():
        raise ArgumentTypeError('write it as "Name: value"')
    return name.strip(), value.strip()


def parse_file(text: str) -> str:
    try:
        return Path(text).read_text(encoding="utf-8")
    except OSError as error:
        raise ArgumentTypeError(f"cannot read {text}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ArgumentTypeError(f"{text} is not UTF-8") from None
