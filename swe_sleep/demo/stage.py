"""Sets the demo's stage: a copy of the bundled repository with a history, ready to be broken."""

from __future__ import annotations

import importlib.resources
import tomllib
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from swe_sleep.errors import RepositoryError, UsageError
from swe_sleep.repo.story import Chapter, tell

AUTHOR = ("Sam Grocer", "sam@shelflife.example")
STORY = (
    ("Start with products and money", ("pyproject", "README", ".gitignore", "money", "products")),
    ("Keep stock by use-by date", ("expiry", "stock")),
    ("Price baskets and take orders", ("pricing", "orders")),
    ("Report on the day", ("",)),
)
"""The history: a subject, and parts of names of the files that it brings."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An honest change with one slip in it; see faults.toml."""

    name: str
    path: str
    message: str
    before: str
    after: str
    issue: str


def faults() -> list[Fault]:
    """The edits that come with the demo, the default one first."""
    text = importlib.resources.files(__package__).joinpath("faults.toml").read_text("utf-8")
    names = Fault.__dataclass_fields__
    return [
        Fault(**{key: value for key, value in table.items() if key in names})
        for table in tomllib.loads(text)["fault"]
    ]


def fault(name: str) -> Fault:
    """The edit of that name; the default one for "". Raises UsageError."""
    known = faults()
    found = next((each for each in known if name in ("", each.name)), None)
    if found is None:
        names = ", ".join(each.name for each in known)
        raise UsageError(f"the demo has no fault {name!r}.", f"It has {names}.")
    return found


def set_up(folder: Path) -> Path:
    """Copy the bundled repository below a folder and give it a history; its root."""
    root = folder / "shelflife"
    source = importlib.resources.files(__package__).joinpath("repository")
    paths = sorted(_copy(source, root))
    chapters = []
    left = list(paths)
    for subject, parts in STORY:
        chosen = tuple(path for path in left if any(part in path for part in parts))
        left = [path for path in left if path not in chosen]
        chapters.append(Chapter(subject, chosen))
    name, email = AUTHOR
    tell(root, chapters, author=name, email=email)
    return root


def break_it(root: Path, fault: Fault) -> None:
    """Make the edit, as a person's editor would."""
    file = root / fault.path
    text = file.read_text("utf-8")
    if fault.before not in text:
        raise RepositoryError(f"{fault.path} is not as the demo expects it.")
    file.write_text(text.replace(fault.before, fault.after), "utf-8")


def _copy(source: Traversable, target: Path, prefix: str = "") -> list[str]:
    target.mkdir(parents=True, exist_ok=True)
    copied = []
    for entry in source.iterdir():
        if entry.name == "__pycache__" or entry.name.endswith(".pyc"):
            continue
        if entry.is_dir():
            copied += _copy(entry, target / entry.name, f"{prefix}{entry.name}/")
        else:
            (target / entry.name).write_bytes(entry.read_bytes())
            copied.append(prefix + entry.name)
    return copied
