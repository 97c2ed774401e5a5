"""The wheel: one package, `stoicnet`, with the service and the models inside.

A wheel that put the checkout's `app` beside other people's `app` would break one of the two. So the
folders go into the package, and their copies import each other by the longer name. An editable
install is the checkout as it is.
"""

from __future__ import annotations

import ast
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "stoicnet"
SERVICE = "app"
MODELS = "onnx_models"
LEFT_OUT = frozenset({"classic"})
"""Models under another licence than the wheel's. Who wants them names the folder of a checkout."""


def renamed(source: str, name: str) -> str:
    """Python source whose absolute imports of the service are of `stoicnet.app`.

    Raises:
        ValueError: `import app...` without `as`, which binds a name that would be another one.
    """
    lines = source.encode().splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found = [node.module or ""]
        elif isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        else:
            continue
        if not any(module.split(".")[0] == SERVICE for module in found):
            continue
        if isinstance(node, ast.Import) and (len(found) > 1 or node.names[0].asname is None):
            raise ValueError(f"{name}:{node.lineno}: write `from {SERVICE} import ...`")
        line, at = lines[node.lineno - 1], node.col_offset
        keyword, _, rest = line[at:].partition(b" ")
        lines[node.lineno - 1] = line[:at] + keyword + b" " + f"{PACKAGE}.".encode() + rest.lstrip()
    return b"".join(lines).decode()


def files_of(folder: Path) -> list[Path]:
    """What belongs into the wheel, in an order that does not depend on the file system."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


class Wheel(BuildHookInterface):  # type: ignore[type-arg]
    """Fills the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say which file goes where; an editable install has them where they are."""
        if version == "editable":
            return
        root = Path(self.root)
        self.copies = Path(tempfile.mkdtemp())
        included: dict[str, str] = build_data["force_include"]
        for folder, target in ((PACKAGE, PACKAGE), (SERVICE, f"{PACKAGE}/{SERVICE}")):
            for path in files_of(root / folder):
                inside = path.relative_to(root / folder).as_posix()
                included[str(self._copy(path, root))] = f"{target}/{inside}"
        for path in files_of(root / MODELS):
            model = path.relative_to(root / MODELS)
            if model.parts[0] not in LEFT_OUT:
                included[str(path)] = f"{PACKAGE}/{MODELS}/{model.as_posix()}"

    def _copy(self, path: Path, root: Path) -> Path:
        if path.suffix != ".py":
            return path
        name = path.relative_to(root)
        copy = self.copies / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(renamed(path.read_text("utf-8"), str(name)), "utf-8", newline="\n")
        return copy

    def finalize(self, version: str, _data: dict[str, Any], _path: str) -> None:
        """Remove the copies."""
        if version != "editable":
            shutil.rmtree(self.copies)
