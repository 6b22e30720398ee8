"""Calls that a person writes down: arguments, or a whole tools/call, as JSON text. Reads strictly, judges nothing."""

from dataclasses import dataclass

from policies.engine.digest import write_canonical
from policies.engine.reader import ReadError, count_place, read_document
from policies.engine.values import JSON

METHOD = "tools/call"


class CallUnreadableError(Exception):
    """The text is no call; the message is a sentence for who wrote it."""


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as written; `tool` is empty where only arguments were."""

    tool: str
    arguments: dict[str, JSON]


def read_value(text: str) -> JSON:
    """One JSON value, read as strictly as the gateway reads: raises CallUnreadableError, for a key that stands twice
    too."""
    try:
        document = read_document(text)
    except ReadError as error:
        line, column = count_place(text, error.offset)
        raise CallUnreadableError(f"Line {line}, column {column}: {error.message}") from None
    if document.duplicates:
        pointer, _ = document.duplicates[0]
        raise CallUnreadableError(f"The key {pointer} stands twice in its object; the gateway refuses such a call.")
    return document.root.value


def read_arguments(text: str) -> dict[str, JSON]:
    """A JSON object; raises CallUnreadableError."""
    value = read_value(text)
    if not isinstance(value, dict):
        raise CallUnreadableError("Arguments are a JSON object: {…}.")
    return value


def read_call(text: str) -> WrittenCall:
    """Arguments, the params of a tools/call, or a whole JSON-RPC message; raises CallUnreadableError."""
    value = read_arguments(text)
    if "method" not in value or "params" not in value:
        is_params = isinstance(value.get("name"), str) and set(value) <= {"name", "arguments", "_meta"}
        return _read_params(value) if is_params and isinstance(value.get("arguments"), dict) else WrittenCall("", value)
    if value["method"] != METHOD:
        raise CallUnreadableError(f"Only a {METHOD} message can be tried here.")
    params = value["params"]
    if not isinstance(params, dict) or not isinstance(params.get("name"), str):
        raise CallUnreadableError("The message's params name no tool.")
    return _read_params(params)


def write_arguments(arguments: dict[str, JSON]) -> str:
    """Arguments as text, with keys in order and every number as it was written."""
    return write_canonical(arguments)


def _read_params(params: dict[str, JSON]) -> WrittenCall:
    arguments = params.get("arguments")
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise CallUnreadableError("The call's arguments are not a JSON object.")
    return WrittenCall(str(params["name"]), arguments)
