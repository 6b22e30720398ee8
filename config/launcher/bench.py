"""What ./bench does: databases of its own, as durable as those of ./run, and tests/bench on them."""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from config.launcher.commands import prepare_database
from config.launcher.data_folder import DataFolder
from config.launcher.databases import start_databases
from config.launcher.front_end import build_front_end
from config.launcher.packages import PYTHON, ROOT, building, install_lock
from config.launcher.supervisor import Supervisor

LOADING_CORE = 1  # as in tests/bench
PORT = 8000  # of no server: only for the addresses that pages print


def main(arguments: list[str]) -> int:
    argparse.ArgumentParser(prog="./bench", description="Prints what a governed call costs.").parse_args(arguments)
    with building():
        install_lock(ROOT / "requirements-dev.lock")
    build_front_end()
    # The databases too: the first core is the measured program's.
    os.sched_setaffinity(0, {LOADING_CORE})
    with tempfile.TemporaryDirectory(prefix="policylayer-bench-") as folder:
        data = DataFolder(Path(folder))
        with data.locked(), Supervisor(data) as supervisor:
            environment = start_databases(supervisor, PORT)
            prepare_database(supervisor)
            return subprocess.run([PYTHON, "-m", "tests.bench"], env=environment, cwd=ROOT, check=False).returncode
