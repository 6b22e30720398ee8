"""Entry of ./run, ./test and ./bench: dispatches, makes errors a sentence and an exit code; does no work itself."""

import errno
import sys
from pathlib import Path


def main() -> int:
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from config.launcher import bench, checks, commands
    from config.launcher.errors import LaunchError
    from config.launcher.processes import catch_signals

    catch_signals()
    program, *arguments = sys.argv[1:]
    try:
        return {"run": commands.main, "test": checks.main, "bench": bench.main}[program](arguments)
    except LaunchError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return error.code
    except OSError as error:
        hint = ": free some space and start again" if error.errno == errno.ENOSPC else ""
        print(f"{program}: {error.strerror or error} ({error.filename or 'no file named'}){hint}.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
