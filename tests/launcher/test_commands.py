"""What ./run answers before anything runs: exit codes, and one sentence with the command that mends it."""

import socket
import subprocess
from pathlib import Path

import pytest

from tests.launcher.instance import ROOT, clean_environment, run_command


@pytest.mark.parametrize(
    "words",
    [("--port", "none"), ("--port", "65536"), ("--port", "-1"), ("--workers", "0"), ("--colour", "blue"), ("dance",)],
)
def test_words_it_does_not_know_are_usage_errors(words: tuple[str, ...]) -> None:
    answer = run_command(*words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "usage: ./run" in answer.stderr


def test_quickstart_needs_a_running_instance(tmp_path: Path) -> None:
    answer = run_command("--data", str(tmp_path / "data"), "quickstart", "--json")
    assert (answer.returncode, answer.stdout) == (3, "")
    assert f"not running on {tmp_path / 'data'}: start it with ./run --data" in answer.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_on_either_loopback_address_is_named(tmp_path: Path, address: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as other:
        other.bind((address, 0))
        other.listen()
        port = other.getsockname()[1]
        answer = run_command("--data", str(tmp_path), "--port", str(port))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"run: port {port} is taken: choose another with --port, or 0 for any free one.\n"


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = run_command("--data", str(tmp_path / "file"), "--port", "0")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "name another with --data" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_host_that_is_not_of_this_machine_is_refused(tmp_path: Path) -> None:
    answer = run_command("--data", str(tmp_path), "--port", "0", "--host", "192.0.2.1")
    assert answer.returncode == 1
    assert "192.0.2.1 is no address of this machine" in answer.stderr


def test_without_python_it_says_what_to_install(tmp_path: Path) -> None:
    for name in ("dirname", "basename", "sh"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    script = (ROOT / "run").read_text(encoding="utf-8")
    (tmp_path / "run").write_text(script, encoding="utf-8")
    (tmp_path / "run").chmod(0o755)
    environment = clean_environment() | {"PATH": str(tmp_path)}
    argv = [str(tmp_path / "run")]
    answer = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
    assert answer.returncode == 1
    assert (
        "Python 3.11 or newer is needed: install it (on Debian: apt-get install python3 python3-venv)" in answer.stderr
    )


@pytest.mark.parametrize("is_listening", [False, True])
def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path, is_listening: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if is_listening:
            silent.listen()
        url = f"postgresql://someone:secret@127.0.0.1:{silent.getsockname()[1]}/none"
        answer = run_command("--data", str(tmp_path), "--port", "0", DATABASE_URL=url, DATABASE_OWNER_URL=url)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "DATABASE_URL does not answer" in answer.stderr
    assert "secret" not in answer.stderr


def test_the_two_database_urls_go_together(tmp_path: Path) -> None:
    url = "postgresql://someone@127.0.0.1/none"
    answer = run_command("--data", str(tmp_path), "--port", "0", DATABASE_URL=url)
    assert answer.returncode == 1
    assert "DATABASE_OWNER_URL" in answer.stderr
