"""The OpenAPI document: complete, without a warning, and answering for every address."""

import json
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from policies.api.urls import urlpatterns


def test_the_schema_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    call_command(
        "spectacular",
        "--validate",
        "--fail-on-warn",
        "--format",
        "openapi-json",
        "--file",
        str(path),
        stdout=StringIO(),
    )
    schema = json.loads(path.read_text())
    assert len(schema["paths"]) == len(urlpatterns) - 2
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"apiKey": []}]
            assert {"400", "401", "403", "404"} <= set(operation["responses"])


def test_the_schema_is_served_to_anybody(db: None) -> None:
    answer = Client().get(reverse("policies:api:schema"))
    assert answer.status_code == 200
    assert b"openapi: 3" in answer.content
