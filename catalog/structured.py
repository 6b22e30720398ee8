"""What a page says to machines inside its HTML: JSON-LD in the words of schema.org. A data block, never a script."""

import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from catalog.answers import Answer
from catalog.models import KnownServer

Thing = dict[str, Any]
# What could end the block, or begin another, is written as an escape of JSON.
ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def write_block(*things: Thing) -> SafeString:
    """The things as one graph, fit to stand inside <script type="application/ld+json">."""
    text = json.dumps(
        {"@context": "https://schema.org", "@graph": list(things)}, ensure_ascii=False, separators=(",", ":")
    )
    return mark_safe(text.translate(ESCAPES))


def crumbs(*steps: tuple[str, str]) -> Thing:
    """The way to the page: names and paths, outermost first."""
    items = [
        {"@type": "ListItem", "position": position, "name": name, "item": f"{settings.PUBLIC_URL}{path}"}
        for position, (name, path) in enumerate(steps, start=1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def questions(answers: Sequence[Answer]) -> Thing:
    return {
        "@type": "FAQPage",
        "mainEntity": [
            {
                "@type": "Question",
                "name": each.question,
                "acceptedAnswer": {"@type": "Answer", "text": each.plain},
            }
            for each in answers
        ],
    }


def software(server: KnownServer, path: str) -> Thing:
    return {
        "@type": "SoftwareApplication",
        "name": server.name,
        "applicationCategory": "DeveloperApplication",
        "operatingSystem": "any",
        "softwareVersion": server.release,
        "author": {"@type": "Organization", "name": server.publisher},
        "url": f"{settings.PUBLIC_URL}{path}",
    }
