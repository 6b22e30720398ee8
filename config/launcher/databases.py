"""PostgreSQL and Redis for one instance: the ones that URLs name, or private ones; settles the environment."""

import tempfile
from pathlib import Path

from config.launcher.errors import LaunchError
from config.launcher.packages import PYTHON, ROOT, base_environment
from config.launcher.postgres import PrivatePostgres, find_owner
from config.launcher.processes import run_step
from config.launcher.supervisor import Supervisor
from config.launcher.valkey import PrivateValkey

HOSTS = "localhost,127.0.0.1,[::1]"


def is_given(environment: dict[str, str], name: str) -> bool:
    return bool(environment.get(name) or environment.get(f"{name}_FILE"))


def start_databases(supervisor: Supervisor, port: int, *, for_tests: bool = False) -> dict[str, str]:
    """Starts what no URL names, checks what one does; returns the environment for everything of this instance."""
    environment = base_environment()
    given = [name for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL") if is_given(environment, name)]
    if ("DATABASE_URL" in given) != ("DATABASE_OWNER_URL" in given):
        raise LaunchError("DATABASE_URL (serving role) and DATABASE_OWNER_URL (owner of the tables) go together.")
    check_given(given, environment)
    environment |= choose_defaults(supervisor, environment, port, is_embedded="DATABASE_URL" not in given or for_tests)
    supervisor.state.environment = environment
    # Both are started before either is waited for.
    valkey = None if "REDIS_URL" in given else start_valkey(supervisor, is_durable=not for_tests)
    postgres = None if "DATABASE_URL" in given else start_postgres(supervisor, is_durable=not for_tests)
    if valkey:
        supervisor.wait_for("valkey", valkey.is_ready)
    if postgres:
        supervisor.wait_for("postgres", postgres.is_ready)
    return environment


def choose_defaults(
    supervisor: Supervisor, environment: dict[str, str], port: int, *, is_embedded: bool
) -> dict[str, str]:
    """What the person has not set; with a database of theirs, no secret."""
    defaults = {"PUBLIC_URL": f"http://localhost:{port}"}
    if not is_given(environment, "PUBLIC_URL"):
        defaults["ALLOWED_HOSTS"] = HOSTS
    if is_embedded:
        defaults |= supervisor.data.secrets()
    chosen = {name: value for name, value in defaults.items() if not is_given(environment, name)}
    if is_embedded:
        chosen["EMBEDDED"] = "true"
    return chosen | {"POLICYLAYER_DATA": str(supervisor.data.path)}


def start_valkey(supervisor: Supervisor, *, is_durable: bool) -> PrivateValkey:
    data = supervisor.data
    valkey = PrivateValkey(data.path / "valkey", data.logs / "valkey.log", is_durable)
    supervisor.state.environment["REDIS_URL"] = valkey.url()
    supervisor.start(valkey.service())
    return valkey


def start_postgres(supervisor: Supervisor, *, is_durable: bool) -> PrivatePostgres:
    data, state = supervisor.data, supervisor.state
    state.run_folder = tempfile.mkdtemp(prefix="policylayer-", dir="/tmp")
    log = data.logs / "postgres.log"
    postgres = PrivatePostgres(data.path / "postgres", Path(state.run_folder), log, is_durable, find_owner())
    postgres.prepare()
    state.environment["DATABASE_URL"] = postgres.url("policylayer_app")
    state.environment["DATABASE_OWNER_URL"] = postgres.url("policylayer_owner")
    supervisor.start(postgres.service())
    return postgres


def check_given(names: list[str], environment: dict[str, str]) -> None:
    if names:
        argv = [str(PYTHON), "-m", "config.launcher.answering", *names]
        run_step(argv, what="", environment=environment, cwd=ROOT)
