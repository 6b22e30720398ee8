"""What can go wrong on the way to a running PolicyLayer: each error is one sentence that names the mending command.

LaunchError (exit 1)
  NotRunningError (exit 3)
"""


class LaunchError(Exception):
    """Shown to the person as it is."""

    code = 1


class NotRunningError(LaunchError):
    """The command needs ./run to be running on the same data folder."""

    code = 3
