"""The rule that a reader of a tool's page came for, carried in a signed cookie until they can put it into a draft.

It names a tool of the catalogue and one of the page's ways, nothing else: no address, no text of a rule.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from catalog.access import find_tool
from catalog.answers import Snippet, recommended, ways_to_restrict
from catalog.models import KnownTool

COOKIE = "policylayer_restrict"
SALT = "catalog.restrictions"
SECONDS = 86_400
KEY = re.compile(r"([a-z0-9_-]{1,100})/([A-Za-z0-9_.-]{1,128})/([a-z]{1,20})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Restriction:
    """A tool of the catalogue, and the policy of its page that a reader chose."""

    tool: KnownTool
    snippet: Snippet

    @property
    def key(self) -> str:
        """What names it in an address and in the cookie: server, tool and way."""
        return "/".join(self.address)

    @property
    def address(self) -> tuple[str, str, str]:
        return (self.tool.server.slug, self.tool.name, self.snippet.key)

    @property
    def title(self) -> str:
        return f"Restrict {self.tool.name}"

    @property
    def rule(self) -> str:
        """The same for an existing policy, as JSON: it says its action, which a level's rule would else decide."""
        document: dict[str, Any] = json.loads(self.snippet.policy)
        if "hide" in document:
            return '{"action": "hide"}'
        return json.dumps({"action": "allow", **document["tools"][self.tool.name]})


def find_restriction(key: str) -> Restriction | None:
    """What the key names, or None unless the catalogue has the tool and its page the way."""
    named = KEY.fullmatch(key)
    tool = find_tool(named[1], named[2]) if named else None
    if named is None or tool is None:
        return None
    chosen = next((each for each in (recommended(tool), *ways_to_restrict(tool)) if each.key == named[3]), None)
    return Restriction(tool, chosen) if chosen else None


def remember(response: HttpResponseBase, restriction: Restriction) -> None:
    """Let this browser come back to it for a day, through sign-up and whatever becomes of the session."""
    response.set_signed_cookie(
        COOKIE,
        restriction.key,
        salt=SALT,
        max_age=SECONDS,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def recall(request: HttpRequest) -> Restriction | None:
    """What this browser was asked to remember in the last day, if the catalogue still has it."""
    key = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=SECONDS)
    return find_restriction(key) if key else None


def forget(response: HttpResponseBase) -> None:
    response.delete_cookie(COOKIE, samesite="Lax")
