"""Reads the worked examples of Markdown documents: a policy, and the calls after it with the outcome each claims."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Claim:
    document: str
    policy: str
    tool: str
    arguments: dict[str, Any]
    outcome: str
    earlier: int

    def __str__(self) -> str:
        return f"{self.document}: {self.tool} {self.outcome}"


def read_claims(path: Path) -> Iterator[Claim]:
    policy = ""
    for info, body in FENCE.findall(path.read_text(encoding="utf-8")):
        words = info.split()
        if words == ["json"] and '"version"' in body:
            policy = body
        elif len(words) > 1:
            call = json.loads(body, parse_float=Decimal)
            earlier = int(words[2]) if len(words) > 2 else 0
            yield Claim(path.name, policy, call["name"], call["arguments"], words[1], earlier)


def read_policies(path: Path) -> list[str]:
    blocks = FENCE.findall(path.read_text(encoding="utf-8"))
    return [body for info, body in blocks if info == "json" and '"version"' in body]
