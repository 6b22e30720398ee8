"""The builder's TypeScript against the engine, over a thousand policies: same answers, texts that stay as they were."""

import json
import os
import subprocess
from pathlib import Path
from random import Random
from typing import Any

from config.launcher.front_end import find_node
from config.launcher.packages import ROOT
from policies.engine.compile import compile_policy
from policies.engine.names import match_name
from policies.engine.parse import parse_policy
from policies.engine.policy import Action, Policy
from policies.engine.serving import find_rule, settle_action
from policies.engine.tools import ToolFacts
from tests.assets.policies import TOOLS, write_policy

POLICIES = 1_000


def answer_for(policy: Policy, facts: ToolFacts) -> tuple[str, str]:
    """What the compiled policy does with a tool, and the pointer of the rule that says so; hidden ones have none."""
    plan = compile_policy(policy, {facts.name: facts}).plans[facts.name]
    rule = find_rule(policy, facts)
    pointer = "(default)" if rule is None else settle_action(policy, rule, facts)[2]
    if plan.verdict is not None:
        is_listed = any(match_name(name, facts.name) for name in policy.hide)
        return plan.verdict.outcome.value, "" if is_listed else pointer
    return (Action.REQUIRE_APPROVAL if plan.is_held else Action.ALLOW).value, pointer


def make_cases() -> list[dict[str, Any]]:
    random = Random(20261122)
    cases: list[dict[str, Any]] = []
    while len(cases) < POLICIES:
        text = write_policy(random)
        policy = parse_policy(text, TOOLS).policy
        if policy is not None:
            answers = {name: answer_for(policy, facts) for name, facts in TOOLS.items()}
            cases.append({"text": text, "answers": answers})
    return cases


def test_the_builder_resolves_as_the_engine_does_and_keeps_what_it_does_not_change(tmp_path: Path) -> None:
    cases = make_cases()
    outcomes = {outcome for case in cases for outcome, _ in case["answers"].values()}
    assert outcomes == {action.value for action in Action}
    tools = [{"name": each.name, "level": each.level, "input_schema": each.input_schema} for each in TOOLS.values()]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"tools": tools, "cases": cases}), encoding="utf-8")
    scripts = [str(ROOT / "tests" / "assets" / name) for name in ("builder.test.mjs", "json_language.test.mjs")]
    argv = [str(find_node()), "--test", *scripts]
    made = tmp_path / "made.json"
    environment = {**os.environ, "CASES": str(path), "MADE": str(made)}
    answer = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    texts = json.loads(made.read_text(encoding="utf-8"))
    assert len(texts) >= POLICIES
    assert [(text, parsed.errors) for text in texts if (parsed := parse_policy(text, TOOLS)).errors] == []
