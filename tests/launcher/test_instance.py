"""A running instance: what it serves, what survives, and that nothing is left when it ends."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg
import pytest
from psycopg import sql

from tests.launcher.instance import ROOT, Instance, clean_environment, poll, run_command, running

NOBODY = 65534


def status_of(url: str) -> int:
    with urlopen(url, timeout=10) as answer:
        status: int = answer.status
        return status


def pid_of(instance: Instance, words: str) -> int:
    found = [line for line in instance.leftovers() if words in line]
    return min((int(line.split()[0]) for line in found), default=0)


def copy_project(target: Path, *, with_installed: bool) -> Path:
    """The project as a clone would be, optionally with what is installed and built in this one."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    for name in (".venv", "node_modules", "assets/dist") if with_installed else ():
        (target / name).symlink_to(ROOT / name)
    return target


def test_it_serves_every_name_of_this_machine_and_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as instance:
        port = urlsplit(instance.url).port
        assert [status_of(f"http://{host}:{port}/healthz") for host in ("localhost", "127.0.0.1", "[::1]")] == [200] * 3
        assert {path.name: path.stat().st_mode & 0o777 for path in data.glob("*.json")} == {
            "secrets.json": 0o600,
            "state.json": 0o600,
        }
        names = "import os; print(os.environ['PUBLIC_URL'], os.environ['EMBEDDED'])"
        beside = run_command("--data", str(data), "manage", "shell", "--no-imports", "-c", names)
        assert (beside.returncode, beside.stdout) == (0, f"{instance.url} true\n"), beside.stderr
        again = run_command("--data", str(data), "--port", "0")
        assert again.returncode == 1
        assert f"already running on {data} at {instance.url}" in again.stderr
        instance.process.send_signal(signal.SIGINT)
        output, _ = instance.process.communicate(timeout=60)
        assert (instance.process.returncode, output) == (0, "")
        assert instance.leftovers() == []
        assert not (data / "state.json").exists()


@pytest.mark.slow
def test_what_was_written_is_there_at_the_next_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(tmp_path)
    create = "from accounts.models import User; User.objects.create_user('kept@example.com')"
    count = "from accounts.models import User; print(User.objects.filter(email='kept@example.com').count())"
    with running(tmp_path) as first:
        assert run_command("--data", data, "manage", "shell", "-v0", "-c", create).returncode == 0
    with running(tmp_path) as second:
        with capsys.disabled():
            print(f" first start {first.seconds:.1f} s, second {second.seconds:.1f} s ", end="")
        assert run_command("--data", data, "manage", "shell", "-v0", "-c", count).stdout == "1\n"
    alone = run_command("--data", data, "manage", "shell", "-v0", "-c", count)
    assert (alone.returncode, alone.stdout) == (0, "1\n"), alone.stderr
    assert second.leftovers() == []


@pytest.mark.slow
def test_two_run_side_by_side(tmp_path: Path) -> None:
    with running(tmp_path / "one") as one, running(tmp_path / "two", "--workers", "2") as two:
        assert one.url != two.url
        assert [status_of(f"{instance.url}/readyz") for instance in (one, two)] == [200, 200]
        one.process.terminate()
        one.process.communicate(timeout=60)
        assert one.leftovers() == []
        assert status_of(f"{two.url}/readyz") == 200
    assert two.leftovers() == []


@pytest.mark.slow
def test_the_start_after_a_kill_ends_what_was_left(tmp_path: Path) -> None:
    with running(tmp_path) as killed:
        port = urlsplit(killed.url).port
        killed.process.kill()
        killed.process.communicate(timeout=60)
        orphans = killed.leftovers()
        assert orphans
    with running(tmp_path, "--port", str(port)) as next_one:
        assert next_one.url == killed.url
        assert set(killed.leftovers()) & set(orphans) == set()
    assert next_one.leftovers() == []


@pytest.mark.slow
@pytest.mark.parametrize("words", ["config.celery worker", "valkey-server", "postgres -D", "config.launcher.web"])
def test_what_dies_is_started_again(tmp_path: Path, words: str) -> None:
    with running(tmp_path) as instance:
        pid = pid_of(instance, words)
        os.kill(pid, signal.SIGKILL)
        assert poll(lambda: pid_of(instance, words) not in (0, pid), 20)
        assert poll(lambda: is_serving(instance), 20)
        instance.process.terminate()
        _, story = instance.process.communicate(timeout=60)
        assert "stopped by itself (signal 9)" in story
    assert instance.leftovers() == []


def is_serving(instance: Instance) -> bool:
    try:
        return status_of(f"{instance.url}/readyz") == 200
    except OSError:
        return False


@pytest.mark.slow
def test_what_keeps_dying_ends_the_run(tmp_path: Path) -> None:
    with running(tmp_path) as instance:
        dead = {0}
        for _ in range(4):
            assert poll(lambda: pid_of(instance, "config.celery beat") not in dead, 20)
            pid = pid_of(instance, "config.celery beat")
            dead.add(pid)
            os.kill(pid, signal.SIGKILL)
        _, story = instance.process.communicate(timeout=60)
        assert instance.process.returncode == 1
        assert "4 times within a minute" in story
        assert instance.leftovers() == []


@pytest.fixture
def given_urls() -> Iterator[dict[str, str]]:
    """An empty database of its own on the server of these tests, as URLs that a host would set."""
    name = f"launcher_{os.getpid()}"
    home = os.environ["DATABASE_OWNER_URL"]
    with psycopg.connect(home, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield {
            "DATABASE_URL": urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl(),
            "DATABASE_OWNER_URL": urlsplit(home)._replace(path=f"/{name}").geturl(),
            "REDIS_URL": os.environ["REDIS_URL"],
        }
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


@pytest.mark.slow
def test_with_urls_it_starts_no_database_and_makes_no_secret(tmp_path: Path, given_urls: dict[str, str]) -> None:
    refused = run_command("--data", str(tmp_path), "--port", "0", **given_urls)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is not set" in refused.stderr
    given = given_urls | {name: os.environ[name] for name in ("SECRET_KEY", "ENCRYPTION_KEYS")}
    given["EMAIL_URL"] = "smtp://127.0.0.1:1"
    with running(tmp_path, environment=clean_environment() | given) as instance:
        assert status_of(f"{instance.url}/readyz") == 200
        assert pid_of(instance, "valkey-server") == pid_of(instance, "postgres -D") == 0
        question = "from django.conf import settings; print(settings.EMBEDDED)"
        assert run_command("--data", str(tmp_path), "manage", "shell", "-v0", "-c", question).stdout == "False\n"
    assert instance.leftovers() == []


@pytest.mark.slow
def test_it_runs_in_a_closed_folder_with_a_space_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    root = copy_project(tmp_path / "closed" / "a space", with_installed=True)
    with running(root / ".data", root=root) as instance:
        assert status_of(f"{instance.url}/readyz") == 200
    assert instance.leftovers() == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach: those of pytest are closed."""
    with tempfile.TemporaryDirectory(prefix="policylayer-clone-") as name:
        yield Path(name)


@pytest.mark.slow
def test_an_ordinary_user_installs_and_runs_a_fresh_clone(
    open_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copy_project(open_folder / "a space", with_installed=False)
    environment = clean_environment() | {"HOME": "", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None:
        for path in (open_folder, *open_folder.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
    with running(root / ".data", root=root, user=user, environment=environment) as instance:
        with capsys.disabled():
            print(f" from a clone to ready in {instance.seconds:.1f} s ", end="")
        assert status_of(f"{instance.url}/readyz") == 200
    assert instance.leftovers() == []
