"""Several servers and several releases of one: which is newest, and what changed between two of them."""

import copy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from catalog.access import list_servers
from catalog.datafile import read_data_file
from catalog.releases import order_release
from catalog.services import load_catalog
from catalog.shipped import pick_newest
from tests.catalog.conftest import SLUG, TOOLS, write_release

pytestmark = pytest.mark.django_db
OLD, NEW = "2.1.8", "2.2.0"


def next_tools() -> list[dict[str, Any]]:
    """The first six tools, in a release that adds one, drops one and changes two."""
    kept = copy.deepcopy(TOOLS[:5])
    kept[0]["risk"] = "critical"
    kept[0]["signals"] = list(reversed(kept[0]["signals"]))
    kept[1]["input_schema"]["properties"]["note"] = {"type": "string"}
    return [*kept, copy.deepcopy(TOOLS[7])]


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    write_release(tmp_path, NEW, tools=next_tools())
    write_release(tmp_path, OLD, tools=TOOLS[:6])
    load_catalog(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "ordered",
    [
        ["1.9.0", "1.10.0", "2.0.0-alpha", "2.0.0-beta.2", "2.0.0-beta.11", "2.0.0", "2.0.0.1"],
        ["2025.12", "2026.1", "2026.2"],
        ["1", "1.0", "1.0.1", "1.a"],
    ],
)
def test_releases_are_ordered_as_people_number_them(ordered: list[str]) -> None:
    keys = [order_release(release) for release in ordered]
    assert all(older < newer for older, newer in pairwise(keys))


@pytest.mark.usefixtures("releases")
def test_the_pages_of_a_server_are_those_of_its_newest_release(client: Client) -> None:
    document = client.get(f"/catalog/{SLUG}.json").json()
    assert document["server"]["release"] == NEW
    assert [tool["name"] for tool in document["tools"]] == [tool["name"] for tool in next_tools()]
    assert client.get(f"/catalog/{SLUG}/{TOOLS[5]['name']}/").status_code == 404


@pytest.mark.usefixtures("releases")
def test_what_changed_between_two_releases_is_a_page_with_twins(client: Client) -> None:
    url = f"/catalog/{SLUG}/changes/{OLD}..{NEW}"
    document = client.get(f"{url}.json").json()
    assert document == {
        "server": SLUG,
        "from": OLD,
        "to": NEW,
        "added": [TOOLS[7]["name"]],
        "removed": [TOOLS[5]["name"]],
        "changed": [
            {"name": TOOLS[0]["name"], "fields": ["level"]},
            {"name": TOOLS[1]["name"], "fields": ["parameters"]},
        ],
        "unchanged": 3,
    }
    page, text = (client.get(f"{url}{end}").content.decode() for end in ("/", ".md"))
    for name in (TOOLS[0]["name"], TOOLS[1]["name"], TOOLS[5]["name"], TOOLS[7]["name"]):
        assert name in page.replace("<wbr>", "")
        assert name in text
    high, critical = (f'<span class="badge badge-{level}">{level}</span>' for level in ("high", "critical"))
    assert f"level {high} → {critical}" in page
    assert "level high → critical" in text
    assert f'href="{url}/"' in client.get(f"/catalog/{SLUG}/").content.decode()


@pytest.mark.usefixtures("releases")
@pytest.mark.parametrize("pair", [f"{NEW}..{OLD}", f"{OLD}..{OLD}", f"{OLD}..9.9", "..", f"{OLD}...{NEW}", f"{OLD}..."])
def test_releases_that_are_not_known_or_the_wrong_way_round_are_404(pair: str, client: Client) -> None:
    assert client.get(f"/catalog/{SLUG}/changes/{pair}/").status_code == 404


def test_a_release_whose_file_is_gone_goes_and_the_pages_go_back(releases: Path, client: Client) -> None:
    (releases / f"{SLUG}-{NEW}.json").unlink()
    load_catalog(releases)
    assert client.get(f"/catalog/{SLUG}.json").json()["server"]["release"] == OLD
    assert client.get(f"/catalog/{SLUG}/changes/{OLD}..{NEW}/").status_code == 404
    assert "What changed" not in client.get(f"/catalog/{SLUG}/").content.decode()


def test_a_second_server_is_a_second_file(releases: Path, client: Client) -> None:
    write_release(releases, "0.1", tools=TOOLS[:2], slug="harbour-desk", name="Harbour Desk", requires_env=[])
    load_catalog(releases)
    assert [(each.server.slug, each.total) for each in list_servers()] == [(SLUG, 6), ("harbour-desk", 2)]
    page = client.get("/catalog/harbour-desk/").content.decode()
    assert "Harbour Desk" in page
    assert "It needs no credentials." in page
    assert client.get(f"/catalog/harbour-desk/{TOOLS[0]['name']}/").status_code == 200


@pytest.mark.usefixtures("releases")
def test_the_site_map_names_the_page_of_each_change(client: Client) -> None:
    text = client.get("/sitemap.xml").content.decode()
    assert f"/catalog/{SLUG}/changes/{OLD}..{NEW}/</loc>" in text
    assert text.count("/changes/") == 1


def test_what_ships_is_the_newest_release_whatever_its_file_is_called(tmp_path: Path) -> None:
    for release in ("2.10.0", "2.9.1", "2.10.0-rc.1"):
        write_release(tmp_path, release, tools=TOOLS[:1])
    write_release(tmp_path, "1", tools=TOOLS[:1], slug="anchor", name="Anchor")
    paths = sorted(tmp_path.glob("*.json"))
    for ordered in (paths, paths[::-1]):
        shipped = pick_newest(map(read_data_file, ordered))
        assert [(file.server.slug, file.server.release) for file in shipped] == [("anchor", "1"), (SLUG, "2.10.0")]


@pytest.mark.parametrize("release", ["1..2", "a/b", "", "1.", ".1", "1 2", "x" * 61])
def test_a_release_that_no_address_can_carry_is_refused(release: str, tmp_path: Path) -> None:
    write_release(tmp_path, "1.0", tools=TOOLS[:1])
    path = next(tmp_path.glob("*.json"))
    path.write_text(path.read_text(encoding="utf-8").replace('"release": "1.0"', f'"release": "{release}"'), "utf-8")
    with pytest.raises(ValueError, match="field release"):
        load_catalog(tmp_path)
