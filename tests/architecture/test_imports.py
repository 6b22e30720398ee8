"""The import contracts of pyproject.toml refuse what they should, shown on a small house of the same shape."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.project import APPS, ROOT

ENGINE = ROOT / "policies" / "engine"
FILES = [*(f"{app}/__init__.py" for app in APPS), "policies/engine/__init__.py", "policies/models.py"]


def find_app_imports(text: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(text)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name for name in names if name.split(".")[0] in APPS}


def test_the_engine_imports_nothing_of_the_house_but_itself() -> None:
    found = {path.name: find_app_imports(path.read_text(encoding="utf-8")) for path in ENGINE.rglob("*.py")}
    assert "decide" in (ENGINE / "evaluate.py").read_text(encoding="utf-8")
    foreign = {name for names in found.values() for name in names if not name.startswith("policies.engine")}
    assert foreign == set()


def check_imports(house: Path, module: str, line: str) -> tuple[int, str]:
    for name in FILES:
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        (house / name).touch()
    (house / module).write_text(f"{line}\n", encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", house)
    argv = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    answer = subprocess.run(argv, cwd=house, capture_output=True, text=True, check=False)
    return answer.returncode, answer.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("gateway/call.py", "import policies.models"),
        ("catalog/views.py", "import policies.engine"),
        ("policies/models.py", "import policies.engine"),
        ("config/urls.py", "import gateway"),
    ],
)
def test_an_import_that_runs_down_is_kept(tmp_path: Path, module: str, line: str) -> None:
    code, story = check_imports(tmp_path, module, line)
    assert code == 0, story
    assert "2 kept, 0 broken" in story


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("policies/models.py", "import gateway"),
        ("catalog/views.py", "import accounts"),
        ("catalog/views.py", "import policies.models"),
        ("servers/access.py", "from policies import models"),
        ("gateway/call.py", "import config"),
        ("policies/engine/decide.py", "import django"),
        ("policies/engine/decide.py", "import catalog"),
        ("policies/engine/decide.py", "from policies import models"),
    ],
)
def test_an_import_that_runs_up_is_refused(tmp_path: Path, module: str, line: str) -> None:
    code, story = check_imports(tmp_path, module, line)
    assert code == 1, story
    assert "BROKEN" in story
