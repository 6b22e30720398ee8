import re

from accounts.ids import new_uuid7
from accounts.models import AdminAudit
from accounts.tenancy import tenant
from tests.accounts.pages import text_of
from tests.conftest import Cast, client_of


def write_rows(cast: Cast, count: int) -> None:
    with tenant(cast.organisation.id):
        for number in range(count):
            AdminAudit.objects.create(
                id=new_uuid7(1_800_000_000_000_000 + number),
                organisation=cast.organisation,
                actor="alice",
                action="tried",
                target=f"row <{number}>",
                detail={"n": 1},
            )


def test_an_admin_reads_the_audit_page_by_page_newest_first(cast: Cast) -> None:
    write_rows(cast, 120)
    client, address, seen = client_of(cast.alice), "/app/acme/audit/", []
    while True:
        page = client.get(address).content.decode()
        seen += [int(number) for number in re.findall(r"row &lt;(\d+)&gt;", page)]
        older = re.search(r'href="(\?before=[^"]+)"', page)
        if older is None:
            break
        address = "/app/acme/audit/" + older[1]
    assert seen == list(range(119, -1, -1))


def test_a_cursor_that_means_nothing_shows_the_newest(cast: Cast) -> None:
    write_rows(cast, 1)
    assert "row <0>" in text_of(client_of(cast.alice).get("/app/acme/audit/?before=yesterday"))


def test_only_admins_read_the_audit(cast: Cast) -> None:
    refused = client_of(cast.pam).get("/app/acme/audit/")
    assert refused.status_code == 403
    assert "Only an admin of this organisation can do this." in text_of(refused)
    assert "Nothing was changed" not in text_of(refused)
    assert client_of(cast.alice).get("/app/acme/audit/").status_code == 200
