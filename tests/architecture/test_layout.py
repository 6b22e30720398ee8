"""Where things stand and what they are called."""

import ast
from pathlib import Path

from tests.architecture.project import APPS, ROOT, is_migration, is_test, list_python, name_of, read_texts

GATES = {"access.py", "services.py"}
MANAGERS = {"objects", "_default_manager", "_base_manager"}
# Put together here, so that neither host nor path stands written out in the project.
DOT, SLASH = ".", "/"
HOSTS = [
    DOT.join(words)
    for words in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("debian", "org"))
]
MACHINE_FOLDERS = [f"{SLASH}{name}{SLASH}" for name in ("work", "farm", "root", "home")]
UNFINISHED = ["TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error"]


def app_sources() -> list[Path]:
    return [path for path in list_python() if path.relative_to(ROOT).parts[0] in APPS and not is_test(path)]


def find_manager_use(text: str) -> list[int]:
    """Lines that reach a model's manager as an attribute; a class that defines one names it without a dot."""
    nodes = ast.walk(ast.parse(text))
    return [node.lineno for node in nodes if isinstance(node, ast.Attribute) and node.attr in MANAGERS]


def test_only_access_and_services_touch_managers() -> None:
    paths = [path for path in app_sources() if path.name not in GATES and not is_migration(path)]
    found = [f"{name_of(path)}:{line}" for path in paths for line in find_manager_use(path.read_text(encoding="utf-8"))]
    assert found == []


def test_a_use_of_a_manager_is_found() -> None:
    assert find_manager_use("class Tool:\n    objects = Manager()\n\n\nTool.objects.get()\n") == [5]


def test_no_module_is_a_drawer_for_everything() -> None:
    names = {"utils", "helpers", "common", "manager"}
    assert [name_of(path) for path in list_python() if names & {*path.relative_to(ROOT).parts[:-1], path.stem}] == []


def test_every_module_says_what_it_is_for() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in app_sources() if not is_migration(path)}
    assert [name_of(path) for path, text in texts.items() if text and not ast.get_docstring(ast.parse(text))] == []


def test_the_package_of_the_policies_is_empty() -> None:
    assert (ROOT / "policies" / "__init__.py").read_text(encoding="utf-8") == ""


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in list_python() if is_test(path)}
    assert [name_of(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_no_file_names_a_package_registry() -> None:
    assert [(name, host) for name, text in read_texts() for host in HOSTS if host in text] == []


def test_no_file_names_a_place_on_one_machine() -> None:
    found = [(name, folder) for name, text in read_texts() for folder in MACHINE_FOLDERS if starts_path(text, folder)]
    assert found == []


def starts_path(text: str, folder: str) -> bool:
    """Whether the folder stands there as the start of a path, rather than inside a longer one or an address."""
    pieces = text.split(folder)
    return any(not before or not (before[-1].isalnum() or before[-1] in "_.") for before in pieces[:-1])


def test_nothing_is_left_unfinished() -> None:
    code = [(name, text) for name, text in read_texts() if name.endswith((".py", ".ts", ".html"))]
    assert [(name, mark) for name, text in code for mark in UNFINISHED if mark in text] == []
