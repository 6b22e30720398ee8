"""No file and no function grows beyond what one sitting can read."""

import ast
from collections.abc import Iterator

from tests.architecture.project import is_migration, is_test, list_files, list_python, name_of

SOURCE_LINES, TEST_LINES, FUNCTION_LINES = 500, 600, 60
CODE = {".py", ".ts", ".js", ".html", ".sh", ".lua", ""}


def find_long_functions(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{node.name} has {lines} lines"


def test_no_file_is_too_long() -> None:
    code = [path for path in list_files() if path.suffix in CODE and not is_migration(path)]
    sizes = {path: path.read_bytes().count(b"\n") for path in code}
    limits = {path: TEST_LINES if is_test(path) else SOURCE_LINES for path in code}
    assert [f"{name_of(path)} has {sizes[path]} lines" for path in code if sizes[path] > limits[path]] == []


def test_no_function_is_too_long() -> None:
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in list_python() if not is_migration(path)}
    assert [(name, story) for name, text in texts.items() for story in find_long_functions(text)] == []


def test_a_function_of_61_lines_is_found_and_one_of_60_is_not() -> None:
    text = "async def work():\n" + "    step()\n" * (FUNCTION_LINES - 1)
    assert list(find_long_functions(text)) == []
    assert list(find_long_functions(text + "    step()\n")) == ["work has 61 lines"]
