"""Who gets which status where: one line for each address and method. Undeclared methods must be refused to everybody.

Bodies are empty unless BODIES names one, so a permitted write mostly answers 422 or 400: it got past the gate.
302 for anonymous is the way to the sign-in page; charlie is a member (and his key a key) of another organisation.
"""

from dataclasses import dataclass
from typing import Final

from tests.permissions.world import PEOPLE

# name, method, anonymous, charlie, bob (viewer), pam (policy manager), alice (admin)
LINES: Final = """
catalog:home                  GET    200 200 200 200 200
catalog:index                 GET    200 200 200 200 200
catalog:index_json            GET    200 200 200 200 200
catalog:index_markdown        GET    200 200 200 200 200
catalog:server                GET    200 200 200 200 200
catalog:server_json           GET    200 200 200 200 200
catalog:server_markdown       GET    200 200 200 200 200
catalog:changes               GET    404 404 404 404 404
catalog:changes_json          GET    404 404 404 404 404
catalog:changes_markdown      GET    404 404 404 404 404
catalog:tool                  GET    200 200 200 200 200
catalog:tool_json             GET    200 200 200 200 200
catalog:tool_markdown         GET    200 200 200 200 200
catalog:attacks               GET    200 200 200 200 200
catalog:attacks_json          GET    200 200 200 200 200
catalog:attacks_markdown      GET    200 200 200 200 200
catalog:attack                GET    200 200 200 200 200
catalog:attack_json           GET    200 200 200 200 200
catalog:attack_markdown       GET    200 200 200 200 200
catalog:documents             GET    200 200 200 200 200
catalog:document              GET    200 200 200 200 200
catalog:document_markdown     GET    200 200 200 200 200
catalog:privacy               GET    200 200 200 200 200
catalog:terms                 GET    200 200 200 200 200
catalog:robots                GET    200 200 200 200 200
catalog:sitemap               GET    200 200 200 200 200
catalog:security_txt          GET    200 200 200 200 200
gateway:healthz               GET    200 200 200 200 200
gateway:readyz                GET    200 200 200 200 200
accounts:outbox               GET    200 200 200 200 200
accounts:contact              GET    200 200 200 200 200
accounts:contact              POST   422 422 422 422 422
accounts:contact_sent         GET    200 200 200 200 200
accounts:operator             GET    302 404 404 404 404
accounts:contact_messages     GET    302 404 404 404 404
accounts:contact_message      GET    302 404 404 404 404
accounts:mark_contact_message POST   302 404 404 404 404
accounts:operator_organisations GET  302 404 404 404 404
accounts:operator_organisation GET   302 404 404 404 404
accounts:operator_organisation POST  302 404 404 404 404
accounts:operator_health      GET    302 404 404 404 404
accounts:app                  GET    302 302 302 302 302
accounts:create_organisation  GET    302 200 200 200 200
accounts:create_organisation  POST   302 422 422 422 422
policies:restrict             GET    200 302 302 302 302
policies:restrict_in          GET    302 404 404 404 404
gateway:start                 GET    302 404 200 200 200
gateway:places                GET    302 404 200 200 200
gateway:log                   GET    302 404 200 200 200
gateway:export                GET    302 404 200 200 200
gateway:waiting               GET    302 404 200 200 200
gateway:decision              GET    302 404 200 200 200
accounts:settings             GET    302 404 200 200 200
accounts:settings             POST   302 404 403 403 422
accounts:members              GET    302 404 200 200 200
accounts:change_role          POST   302 404 403 403 302
accounts:remove_member        POST   302 404 403 403 302
accounts:audit                GET    302 404 403 403 200
accounts:api_keys             GET    302 404 403 403 200
accounts:api_keys             POST   302 404 403 403 422
accounts:revoke_api_key       POST   302 404 403 403 302
accounts:stop                 POST   302 404 403 302 302
accounts:resume               POST   302 404 403 302 302
servers:list                  GET    302 404 200 200 200
servers:create                GET    302 404 403 403 200
servers:create                POST   302 404 403 403 422
servers:detail                GET    302 404 302 302 302
servers:tools                 GET    302 404 200 200 200
servers:status                GET    302 404 200 200 200
servers:accept                POST   302 404 403 403 302
servers:review                POST   302 404 403 403 302
servers:settings              GET    302 404 200 200 200
servers:settings              POST   302 404 403 403 422
servers:discover              POST   302 404 403 403 302
servers:check                 GET    302 404 403 403 200
servers:check                 POST   302 404 403 403 302
servers:stop                  POST   302 404 403 302 302
servers:resume                POST   302 404 403 302 302
servers:delete                POST   302 404 403 403 302
policies:list                 GET    302 404 200 200 200
policies:create               GET    302 404 403 200 200
policies:create               POST   302 404 403 422 422
policies:validate             POST   302 404 200 200 200
policies:tools_data           GET    302 404 200 200 200
policies:detail               GET    302 404 200 200 200
policies:current              GET    302 404 200 200 200
policies:publish              POST   302 404 403 422 422
policies:delete               POST   302 404 403 302 302
policies:version              GET    302 404 200 200 200
policies:restore              POST   302 404 403 302 302
policies:test                 GET    302 404 200 200 200
policies:test                 POST   302 404 200 200 200
policies:tests                GET    302 404 200 200 200
policies:tests                POST   302 404 200 200 200
policies:keep_test            POST   302 404 403 422 422
policies:drop_test            POST   302 404 403 302 302
policies:review               POST   302 404 403 422 422
policies:compare              GET    302 404 200 200 200
policies:export               GET    302 404 200 200 200
policies:duplicate            POST   302 404 403 302 302
policies:grants               GET    302 404 200 200 200
policies:mint                 POST   302 404 403 403 422
policies:grant                GET    302 404 200 200 200
policies:grant_tools          GET    302 404 200 200 200
policies:rotate               POST   302 404 403 403 422
policies:stop                 POST   302 404 403 302 302
policies:resume               POST   302 404 403 302 302
policies:revoke               POST   302 404 403 403 302
policies:attach               POST   302 404 403 302 302
policies:expire               POST   302 404 403 403 302
policies:api:nowhere          GET    404 404 404 404 404
policies:api:schema           GET    200 200 200 200 200
policies:api:organisation     GET    401 200 200 200 200
policies:api:stop             POST   401 200 403 200 200
policies:api:resume           POST   401 200 403 200 200
policies:api:servers          GET    401 200 200 200 200
policies:api:servers          POST   401 400 403 403 400
policies:api:server           GET    401 404 200 200 200
policies:api:server           PATCH  401 404 403 403 200
policies:api:server           DELETE 401 404 403 403 204
policies:api:discover         POST   401 404 403 403 202
policies:api:stop_server      POST   401 404 403 200 200
policies:api:resume_server    POST   401 404 403 200 200
policies:api:tools            GET    401 404 200 200 200
policies:api:policies         GET    401 200 200 200 200
policies:api:policies         POST   401 400 403 400 400
policies:api:validate         POST   401 400 400 400 400
policies:api:import           POST   401 400 403 400 400
policies:api:export           GET    401 404 200 200 200
policies:api:duplicate        POST   401 404 403 201 201
policies:api:policy           GET    401 404 200 200 200
policies:api:policy           DELETE 401 404 403 409 409
policies:api:publish          POST   401 404 403 400 400
policies:api:versions         GET    401 404 200 200 200
policies:api:version          GET    401 404 200 200 200
policies:api:restore          POST   401 404 403 200 200
policies:api:tests            GET    401 404 200 200 200
policies:api:tests            POST   401 404 403 400 400
policies:api:run_tests        POST   401 404 200 200 200
policies:api:test             GET    401 404 200 200 200
policies:api:test             DELETE 401 404 403 204 204
policies:api:grants           GET    401 200 200 200 200
policies:api:grants           POST   401 400 403 403 400
policies:api:grant            GET    401 404 200 200 200
policies:api:grant            PATCH  401 404 403 403 400
policies:api:rotate           POST   401 404 403 403 400
policies:api:revoke           POST   401 404 403 403 200
policies:api:stop_grant       POST   401 404 403 200 200
policies:api:resume_grant     POST   401 404 403 200 200
policies:api:attach           POST   401 404 403 400 400
policies:api:decisions        GET    401 200 200 200 200
policies:api:decision         GET    401 404 200 200 200
"""

BODIES: Final[dict[str, dict[str, object]]] = {
    "servers:review POST": {"tool": "tool", "level": "low", "category": "read"},
    "servers:delete POST": {"confirm": "One"},
    "policies:restore POST": {"expected": "1"},
}


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    method: str
    statuses: tuple[int, ...]

    def expected(self, who: str) -> int:
        return self.statuses[PEOPLE.index(who)]


def read_table() -> list[Row]:
    rows = []
    for line in LINES.strip().splitlines():
        name, method, *statuses = line.split()
        assert len(statuses) == len(PEOPLE), line
        rows.append(Row(name, method, tuple(int(status) for status in statuses)))
    return rows


TABLE: Final = read_table()
