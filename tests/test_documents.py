"""What the documents say is so: links lead somewhere, the example runs, settings exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {".venv", "build", "dist", "out", ".git"}
DOCUMENTS = sorted(p for p in ROOT.rglob("*.md") if not SKIPPED & set(p.relative_to(ROOT).parts))
SETTING = re.compile(r"\bGRAPHC_[A-Z_]+\b")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    broken = [link for link in links if not (document.parent / link).exists()]
    assert not broken


def test_paths_in_the_architecture_exist():
    named = re.findall(r"`((?:graphc|runtime|frontends|tests)/[\w/.]+)`", read("ARCHITECTURE.md"))
    assert len(named) > 10
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_first_example_of_the_readme_runs(tmp_path):
    example = re.search(r"```python\n(.*?)```", read("README.md"), re.DOTALL)
    script = tmp_path / "model.py"
    script.write_text(example.group(1), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loss = float(re.match(r"loss (\S+)", done.stdout).group(1))
    assert loss < 1e-6
    assert "kernels (" in done.stdout


def test_the_readme_names_every_setting():
    packages = [
        p for name in ("graphc", "runtime", "frontends") for p in (ROOT / name).rglob("*.py")
    ]
    used = {s for p in packages for s in SETTING.findall(p.read_text(encoding="utf-8"))}
    used |= {f"GRAPHC_{key}" for key in ("SKIP", "DUMP")}  # read by a name made of its parts
    assert set(SETTING.findall(read("README.md"))) == used
