"""One target in a process of its own, under Atheris: TARGET SEEDS CORPUS [options of libFuzzer]."""

import importlib
import sys
from pathlib import Path
from typing import Any

from django.conf import settings


def main(name: str, seeds: str, options: list[str]) -> None:
    # By name, as only this process needs it.
    atheris: Any = importlib.import_module("atheris")
    settings.configure(ALLOW_PRIVATE_UPSTREAMS=False, SIMULATOR_URL="")
    with atheris.instrument_imports(include=["gateway", "policies", "servers", "accounts", "json", "urllib"]):
        targets = importlib.import_module("tests.fuzz.targets")
    target = targets.TARGETS[name]
    for number, seed in enumerate(target.seeds):
        (Path(seeds) / str(number)).write_bytes(seed)
    # The second folder is the one that libFuzzer adds to: the corpus that grows from run to run.
    atheris.Setup([sys.argv[0], options[0], seeds, *options[1:]], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
