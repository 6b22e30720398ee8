"""What ./run does: serve, or run one command of manage.py in the environment of this data folder."""

import argparse
import os
import subprocess
from pathlib import Path

from config.launcher.addresses import open_sockets
from config.launcher.applications import start_applications
from config.launcher.data_folder import DataFolder
from config.launcher.databases import start_databases
from config.launcher.errors import NotRunningError
from config.launcher.front_end import build_front_end
from config.launcher.packages import PYTHON, ROOT, base_environment, building, fingerprint, install_lock, is_current
from config.launcher.processes import interrupts, run_step
from config.launcher.settings_names import without_settings
from config.launcher.supervisor import Supervisor


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run", description="Runs PolicyLayer until Ctrl-C.")
    parser.add_argument("--host", default="localhost", help="address to serve (default: localhost alone)")
    parser.add_argument("--port", type=int, default=8000, help="port to serve; 0: any free one (default: 8000)")
    parser.add_argument("--data", type=Path, default=ROOT / ".data", help="folder for the data (default: .data)")
    parser.add_argument("--workers", type=int, default=1, help="web server processes (default: 1)")
    parser.add_argument(
        "command", nargs="?", choices=["manage", "quickstart"], help="what to do in its environment instead"
    )
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what that command is given")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535 or options.workers < 1:
        parser.error("--port is a number from 0 to 65535, --workers at least 1")
    return options


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    data = DataFolder(options.data.absolute())
    if options.command is None:
        serve(options, data)
        return 0
    if data.is_locked():
        return run_beside(data, [options.command, *options.arguments])
    if options.command == "quickstart":
        raise NotRunningError(f"PolicyLayer is not running on {data.path}: start it with ./run --data '{data.path}'")
    return run_alone(data, options.arguments)


def serve(options: argparse.Namespace, data: DataFolder) -> None:
    interrupts.exit_code = 0
    with data.locked():
        sockets = open_sockets(options.host, options.port)
        port = sockets[0].getsockname()[1]
        with building():
            install_lock(ROOT / "requirements.lock")
        build_front_end()
        with Supervisor(data) as supervisor:
            start_databases(supervisor, port)
            prepare_database(supervisor)
            start_applications(supervisor, sockets, options.workers)
            supervisor.state.url = f"http://localhost:{port}"
            data.save_state(supervisor.state)
            print(f"Ready: {supervisor.state.url}", flush=True)
            supervisor.watch()


def prepare_database(supervisor: Supervisor) -> None:
    """Migrates and loads the catalogue; for the private database only when either has changed since it was done."""
    sources = [*ROOT.glob("*/migrations/*.py"), *ROOT.glob("catalog/**/*.py"), *ROOT.glob("catalog/data/*.json")]
    stamp = supervisor.data.path / "postgres" / "prepared"
    value = fingerprint([*sources, ROOT / "requirements.lock"])
    is_private = bool(supervisor.state.run_folder)
    if is_private and is_current(stamp, value):
        return
    for argv in (["migrate", "--database", "owner", "--no-input"], ["load_catalog"]):
        step = [str(PYTHON), "manage.py", *argv]
        run_step(step, what=f"manage.py {argv[0]}", environment=supervisor.state.environment, cwd=ROOT)
    if is_private:
        stamp.write_text(value, encoding="utf-8")


def run_beside(data: DataFolder, arguments: list[str]) -> int:
    """Runs manage.py beside the instance that is running, and becomes it."""
    state = data.state
    if not state.url:
        raise NotRunningError(
            f"PolicyLayer is starting or stopping on {data.path}, or busy with a command: try again in a moment."
        )
    words = arguments[1:] if arguments[0] == "manage" else arguments
    environment = {**without_settings(base_environment()), **state.environment}
    os.execve(PYTHON, [str(PYTHON), str(ROOT / "manage.py"), *words], environment)


def run_alone(data: DataFolder, arguments: list[str]) -> int:
    """Runs manage.py with databases that live as long as it does."""
    with data.locked():
        with building():
            install_lock(ROOT / "requirements.lock")
        with Supervisor(data) as supervisor:
            environment = start_databases(supervisor, 8000)
            with subprocess.Popen([PYTHON, ROOT / "manage.py", *arguments], env=environment) as child:
                try:
                    return child.wait()
                finally:
                    child.terminate()
