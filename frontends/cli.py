"""The ``graphc`` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from graphc.errors import GraphError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    arguments = _parser().parse_args(argv)
    if arguments.command is None:
        _parser().print_help()
        return 2
    try:
        return arguments.do(arguments)
    except Refusal as refusal:
        print(f"graphc: {refusal}", file=sys.stderr)
        return 2


class Refusal(Exception):
    """The command cannot do what its arguments ask."""


def _parser() -> argparse.ArgumentParser:
    import graphc

    parser = argparse.ArgumentParser(
        prog="graphc",
        description="Run TensorFlow-1 scripts, check what they use, look at what became of them.",
    )
    parser.add_argument("--version", action="version", version=f"graphc {graphc.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _run_options(commands)
    _check_options(commands)
    _inspect_options(commands)
    return parser


def _run_options(commands: argparse._SubParsersAction) -> None:
    run = commands.add_parser(
        "run",
        help="run a TF1 script as it is",
        description="Run SCRIPT with `import tensorflow` meaning graphc, in that process and the "
        "Pythons it starts.",
    )
    run.add_argument(
        "-m", dest="module", action="store_true", help="SCRIPT is the name of a module"
    )
    run.add_argument("--device", help="where sessions run that name none, such as /cpu:0")
    run.add_argument(
        "--full-traceback", action="store_true",
        help="show graphc's frames too when the script fails (GRAPHC_FULL_TRACEBACK=1)",
    )  # fmt: skip
    _script_options(run)
    run.set_defaults(do=run_script)


def _check_options(commands: argparse._SubParsersAction) -> None:
    check = commands.add_parser(
        "check",
        help="list the TF1 names of scripts and whether they are provided",
        description="Read scripts (or all of a folder) without running them. The exit status is 0 "
        "when everything they use of TF1 is provided.",
    )
    check.add_argument("paths", type=Path, nargs="+", metavar="SCRIPT|FOLDER")
    check.add_argument("--json", action="store_true", help="the findings as JSON")
    check.set_defaults(do=check_scripts)


def _inspect_options(commands: argparse._SubParsersAction) -> None:
    inspect = commands.add_parser(
        "inspect",
        help="run a script and report what was compiled",
        description="Run SCRIPT, then report the run it did most often: passes, kernels, launches, "
        "memory plan.",
    )
    inspect.add_argument("--all", action="store_true", help="report every kind of run")
    inspect.add_argument("--json", action="store_true", help="the report as JSON")
    inspect.add_argument("--ir", action="store_true", help="the kernels' LLVM IR too")
    inspect.add_argument("--assembly", action="store_true", help="the kernels' machine code too")
    inspect.add_argument(
        "--micro-kernels", action="store_true",
        help="the inner loops of products and convolutions as machine code",
    )  # fmt: skip
    inspect.add_argument(
        "--kernel", metavar="PATTERN", default="*",
        help="only code of kernels, or functions in them, of this name (such as 'matmul*')",
    )  # fmt: skip
    inspect.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write there, not to stdout"
    )
    _script_options(inspect)
    inspect.set_defaults(do=inspect_script)


def _script_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("script", metavar="SCRIPT")
    command.add_argument(
        "rest", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="for the script"
    )


def run_script(arguments: argparse.Namespace) -> int:
    """Run an unmodified script; its exit status."""
    from frontends.scripts.running import run

    if not arguments.module:
        _must_exist(arguments.script)
    return run(
        arguments.script,
        arguments.rest,
        module=arguments.module,
        full_traceback=arguments.full_traceback,
        environment=_device(arguments.device),
    )


def _device(wanted: str | None) -> dict[str, str]:
    """The setting that sends sessions to a device."""
    from runtime.session import device_name

    try:
        return {"GRAPHC_DEVICE": device_name(wanted)[1]} if wanted else {}
    except GraphError as error:
        raise Refusal(f"{error.fact}; {error.hint}") from None


def check_scripts(arguments: argparse.Namespace) -> int:
    """Report what scripts use of TF1; 0 when all of it is provided."""
    import json

    from frontends.scripts.checking import check, scripts_in

    for path in arguments.paths:
        _must_exist(path)
    checked = [check(script) for path in arguments.paths for script in scripts_in(path)]
    if arguments.json:
        print(json.dumps([one.as_data() for one in checked], indent=2))
    else:
        print("\n".join(line for one in checked for line in one.lines()))
    return 0 if all(one.is_fine for one in checked) else 1


def inspect_script(arguments: argparse.Namespace) -> int:
    """Run a script in this process, watching its sessions; then print the reports."""
    from frontends.scripts.running import run
    from frontends.scripts.watching import Watcher
    from runtime.session import WATCHERS

    _must_exist(arguments.script)
    watcher = Watcher(everything=arguments.all)
    WATCHERS.append(watcher)
    try:
        status = run(arguments.script, arguments.rest)
        reports = watcher.reports()
    finally:
        WATCHERS.remove(watcher)
    if not reports:
        print("graphc: the script ran nothing that is compiled", file=sys.stderr)
        return status or 1
    _write((_shown(report, arguments) for report in reports), arguments.output)
    return status


def _shown(report: Any, arguments: argparse.Namespace) -> str:
    """A report as the arguments ask for it."""
    wanted = (arguments.ir, arguments.assembly, arguments.micro_kernels)
    if arguments.json:
        return report.to_json(native=any(wanted))
    if not any(wanted):
        return str(report)
    return f"{report}\n{report.native(*wanted, arguments.kernel)}"


def _write(reports: Iterable[str], output: Path | None) -> None:
    text = "\n".join(reports)
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        print(text)


def _must_exist(script: str | Path) -> None:
    if str(script) != "-" and not Path(script).exists():
        raise Refusal(f"there is no script {str(script)!r}")


if __name__ == "__main__":
    sys.exit(main())
