"""The house keeps its shape: imports run one way, notebooks stay thin, what the README says exists."""

import ast
import re
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from analytics.cli.app import GROUPS, build

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "analytics"

# a room may import those before it, and itself
ORDER = (
    "errors",
    "model",
    "unpacking",
    "settings",
    "params",
    "compute",
    "wording",
    "simulator",
    "adapters",
    "ingest",
    "baselines",
    "anomalies",
    "social",
    "podcast",
    "definitions",
    "store",
    "monitoring",
    "alerts",
    "periods",
    "reports",
    "jobs",
    "web",
    "cli",
)
MATHS = {"baselines", "anomalies", "social", "podcast"}
MATHS_MAY_IMPORT = {"errors", "model", "baselines", "anomalies"}
SIMULATOR_MAY_IMPORT = {"errors", "model", "simulator"}
NO_IO = {"httpx", "sqlalchemy", "psycopg", "logging", "alembic", "requests", "socket", "urllib"}
ONLY_IN = {
    "papermill": {"reports"},
    "nbconvert": {"reports"},
    "nbclient": {"reports"},
    "typst": {"reports"},
    "altair": {"reports"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "sqlalchemy": {"store", "jobs", "cli"},
    "apprise": {"alerts", "reports"},
}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Dotted names a module imports, also inside functions; those under TYPE_CHECKING count as well."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found.add("relative import")
    return found


def rooms_imported(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports_of(path) if name.startswith("analytics.")]
    return {part[1] for part in parts if part[1] not in {"__version__"}}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_run_one_way(path):
    """A later room may use an earlier one, never the reverse."""
    if path == SOURCE / "__init__.py":
        assert rooms_imported(path) == set()
        return
    room = room_of(path)
    assert room in ORDER, f"{room} is a new room: give it a place in the order, here and in docs/architecture.md"

    later = {other for other in rooms_imported(path) if ORDER.index(other) > ORDER.index(room)}

    assert later == set()
    assert "relative import" not in imports_of(path)


def test_no_module_imports_itself_by_way_of_others():
    """Two modules that need each other are one subject, or one of them knows too much."""
    names = {".".join(path.relative_to(SOURCE.parent).with_suffix("").parts): path for path in modules()}
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}
    needs = {name: {_module(found, names) for found in imports_of(path)} - {name, ""} for name, path in names.items()}

    list(TopologicalSorter(needs).static_order())  # raises CycleError, which names the circle


def _module(imported: str, names: dict[str, Path]) -> str:
    """The module an import means: the thing itself, or what it is taken from."""
    return next((name for name in (imported, imported.rpartition(".")[0]) if name in names), "")


@pytest.mark.parametrize("path", [p for p in modules() if room_of(p) in MATHS], ids=lambda p: p.stem)
def test_maths_knows_no_database_network_or_log(path):
    """Arrays in, arrays out: what has no side can be tested and trusted."""
    roots = {name.split(".")[0] for name in imports_of(path)}

    assert roots & NO_IO == set()
    assert rooms_imported(path) - {room_of(path)} <= MATHS_MAY_IMPORT


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_heavy_tools_stay_in_their_rooms(path):
    """Prefect stands on top of the package; only `reports` makes documents; only `store` has drivers."""
    roots = {name.split(".")[0] for name in imports_of(path)}

    assert not roots & {"prefect", "flows", "notebooks", "tests"}
    if path != SOURCE / "__init__.py":
        misplaced = {tool for tool, rooms in ONLY_IN.items() if tool in roots and room_of(path) not in rooms}
        assert misplaced == set()


def test_the_simulator_stands_apart():
    """It plays the platforms: sharing code with the adapters would let both be wrong together."""
    found = {room for path in modules() if room_of(path) == "simulator" for room in rooms_imported(path)}

    assert found <= SIMULATOR_MAY_IMPORT


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_public_modules_say_what_they_are(path):
    """The first line of a module is what a newcomer reads."""
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), "no docstring"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_modules_stay_readable(path):
    """Past 400 lines there is a second subject in the file."""
    assert len(path.read_text("utf-8").splitlines()) <= 400


def notebooks(folder: str) -> list[Path]:
    return sorted((ROOT / "notebooks" / folder).glob("*.ipynb"))


@pytest.mark.parametrize("path", notebooks("reports") + notebooks("explore"), ids=lambda p: p.name)
def test_notebooks_are_committed_without_outputs(path):
    """Results belong to a run; in git they would be noise and, sooner or later, somebody's data."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []
    assert "papermill" not in notebook.metadata


@pytest.mark.parametrize("path", notebooks("reports"), ids=lambda p: p.name)
def test_report_notebooks_hold_calls_only(path):
    """A first cell of plain, explained parameters; then a call a section: no maths, no SQL, no functions."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tagged = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]

    assert tagged == code[:1]
    for line in tagged[0].source.splitlines():
        statement = ast.parse(line).body[0]
        assert isinstance(statement, ast.Assign), line
        ast.literal_eval(statement.value)
        assert re.search(r"  # \w", line), f"no unit or meaning: {line}"
    for cell in code[1:]:
        nodes = list(ast.walk(ast.parse(cell.source)))
        assert not any(isinstance(n, ast.FunctionDef | ast.ClassDef | ast.For | ast.While | ast.BinOp) for n in nodes)


@pytest.mark.parametrize("path", notebooks("reports"), ids=lambda p: p.name)
def test_report_notebooks_use_every_parameter_they_declare(path):
    """A parameter that changes nothing is a lie to whoever sets it."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    declared = [ast.parse(line).body[0].targets[0].id for line in code[0].splitlines()]
    used = {node.id for source in code[1:] for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}

    assert [name for name in declared if name not in used] == []


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    lines = [
        line.strip()
        for block in re.findall(r"```(?:bash|sh|console)?\n(.*?)```", text, re.S)
        for line in block.splitlines()
    ]
    return [line for line in lines if line.startswith(("make ", "analytics "))]


def test_the_commands_of_the_readme_exist():
    """A newcomer types them one after the other."""
    commands = readme_commands()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))

    assert {"make demo", "make test"} <= {" ".join(line.split()[:2]) for line in commands}
    for line in commands:
        words = line.split("#")[0].split()
        if words[0] == "make":
            assert words[1] in targets, line
    app = build()
    for line in sorted({" ".join(known_words(line)) for line in commands if line.startswith("analytics ")}):
        assert CliRunner().invoke(app, [*line.split()[1:], "--help"]).exit_code == 0, line


def known_words(line: str) -> list[str]:
    """`analytics` with its command and subcommand, without arguments and options."""
    words = line.split("#")[0].split()
    return words[: 3 if len(words) > 2 and re.fullmatch(r"[a-z][a-z-]*", words[2]) and words[1] in GROUPS else 2]


def test_nothing_in_the_repository_names_a_machine_or_a_registry():
    """What is committed holds on every machine."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    hosts = ["pypi." + "org", "pythonhosted." + "org", "registry.npmjs." + "org", "/" + "work/", "/" + "root/"]
    found = [
        (name, host)
        for name in tracked
        if name and (ROOT / name).is_file() and (ROOT / name).suffix not in {".ttf", ".png"}
        for host in hosts
        if host in (ROOT / name).read_text("utf-8", errors="replace")
    ]

    assert found == []
