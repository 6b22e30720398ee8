"""What the fixture asks a modern client for before it answers (MCP 2026-07-28, multi round-trip requests)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mcp_types as types

Requests = dict[str, types.InputRequest]
Answers = Mapping[str, Any]


def ask_form(message: str, **properties: dict[str, Any]) -> types.ElicitRequest:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def ask_model(prompt: str, max_tokens: int) -> types.CreateMessageRequest:
    message = types.SamplingMessage(role="user", content=types.TextContent(text=prompt))
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens)
    )


STRING: dict[str, Any] = {"type": "string"}
NAME = ask_form("What is your name?", name=STRING)
CAPITAL = ask_model("What is the capital of France?", 100)
ROOTS = types.ListRootsRequest()
CONFIRM: Requests = {"confirm": ask_form("Please confirm", ok={"type": "boolean"})}


@dataclass(frozen=True)
class Dialogue:
    """Rounds of questions; with `has_state` the round is remembered in requestState, else there is one round."""

    rounds: tuple[Requests, ...]
    finish: Callable[[Answers], str]
    has_state: bool = True

    def ask(self, answers: Answers | None, state: str | None) -> types.InputRequiredResult | None:
        """What is still to be asked; None when all is answered. The state's seal is checked before this."""
        number = int(state or 0) if self.has_state else 0
        is_first = self.has_state and state is None
        if not is_first and self.rounds[number].keys() <= (answers or {}).keys():
            number += 1
        if number == len(self.rounds):
            return None
        return types.InputRequiredResult(
            input_requests=self.rounds[number], request_state=str(number) if self.has_state else None
        )


def ask_for(*, elicitation: bool, sampling: bool, roots: bool) -> Requests:
    asked: Requests = {}
    if elicitation:
        asked["user_name"] = NAME
    if sampling:
        asked["capital_question"] = CAPITAL
    if roots:
        asked["client_roots"] = ROOTS
    return asked


def content_of(answers: Answers, key: str, name: str) -> str:
    answer = answers[key]
    content = answer.content if isinstance(answer, types.ElicitResult) else None
    return str((content or {}).get(name, ""))


def roots_of(answers: Answers) -> str:
    answer = answers["client_roots"]
    return ", ".join(str(root.uri) for root in answer.roots) if isinstance(answer, types.ListRootsResult) else ""


def sampled_of(answers: Answers, key: str) -> str:
    content = getattr(answers[key], "content", None)
    return content.text if isinstance(content, types.TextContent) else ""


DIALOGUES: dict[str, Dialogue] = {
    "test_input_required_result_elicitation": Dialogue(
        ({"user_name": NAME},), lambda given: f"Hello, {content_of(given, 'user_name', 'name')}!", has_state=False
    ),
    "test_input_required_result_sampling": Dialogue(
        ({"capital_question": CAPITAL},), lambda given: sampled_of(given, "capital_question"), has_state=False
    ),
    "test_input_required_result_list_roots": Dialogue(
        ({"client_roots": ROOTS},), lambda given: f"Roots: {roots_of(given)}", has_state=False
    ),
    "test_input_required_result_request_state": Dialogue((CONFIRM,), lambda _: "state-ok"),
    "test_input_required_result_tampered_state": Dialogue((CONFIRM,), lambda _: "state-ok"),
    "test_input_required_result_multiple_inputs": Dialogue(
        ({"user_name": NAME, "greeting": ask_model("Generate a greeting", 50), "client_roots": ROOTS},),
        lambda given: f"{sampled_of(given, 'greeting')} {content_of(given, 'user_name', 'name')}: {roots_of(given)}",
    ),
    "test_input_required_result_multi_round": Dialogue(
        (
            {"step1": ask_form("Step 1: What is your name?", name=STRING)},
            {"step2": ask_form("Step 2: What is your favorite color?", color=STRING)},
        ),
        lambda given: f"The colour is {content_of(given, 'step2', 'color')}.",
    ),
}
PROMPT_DIALOGUE = Dialogue(
    ({"user_context": ask_form("What context should the prompt use?", context=STRING)},),
    lambda given: f"Context: {content_of(given, 'user_context', 'context')}",
    has_state=False,
)
