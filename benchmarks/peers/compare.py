#!/usr/bin/env python3
"""The same work in dispar and in its peers, alternating in one run; see README.md.

    benchmarks/peers/compare.py --json results.json --markdown results.md
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

try:
    import numpy
    import alternation
    from cases import cases
except ModuleNotFoundError:
    numpy = None  # said below, after --help

import report
from peer_process import PeerError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# glibc keeps what is freed: no page faults for temporaries, as in a warmed-up process with a caching allocator.
HEAP_KEPT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**60)}


def arguments():
    parser = argparse.ArgumentParser(
        description="Runs the same work in dispar, PyTorch, scikit-learn and, where they import, a current PyTorch with "
        "torch.compile, KeOps and JAX; alternates the two sides of every ratio and prints a Markdown table.",
        epilog="Exit status: 0; 1 when a side's value is wrong or dispar fails; 2 for bad usage; with --check, 3 when a "
        "required number is missed.",
    )
    add = parser.add_argument
    modern = "interpreter with a current PyTorch, KeOps, JAX, each optional (default: the one that runs this)"
    add("--binary", type=Path, default=ROOT / "build/release/bin/dispar_peer", help="dispar's side (default: %(default)s)")
    add("--python", default="/usr/bin/python3", help="interpreter with PyTorch and scikit-learn (default: %(default)s)")
    add("--modern-python", default=sys.executable, help=modern)
    add("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of either side (default: all, %(default)s)")
    add("--repeat", type=int, default=5, help="alternated runs per ratio, the medians count (default: %(default)s)")
    add("--workloads", default="", help="comma-separated names, or name:d such as mmd2_unbiased:64 (default: all)")
    peers = "comma-separated: torch, sklearn, torch_current, torch_compile, metric_learning, keops, jax, dispar (default: all)"
    add("--peers", default="", help=peers)
    add("--heap", choices=("kept", "default"), default="kept", help="glibc's heap on both sides (default: %(default)s)")
    add("--quick", action="store_true", help="tiny samples: checks that everything runs and agrees; the times mean nothing")
    add("--check", action="store_true", help="exit with 3 when a required number is missed")
    add("--json", type=Path, metavar="FILE", help="write the rows there")
    add("--markdown", type=Path, metavar="FILE", help="write the table there too")
    options = parser.parse_args()
    if numpy is None:
        parser.error(f"{sys.executable} has no numpy; run this with an interpreter that does, on Debian /usr/bin/python3")
    if options.threads < 1 or options.repeat < 1:
        parser.error("--threads and --repeat must be at least 1")
    if not os.access(options.binary, os.X_OK) or options.binary.is_dir():
        parser.error(
            f"{options.binary} is not there. Build it with: cmake --preset release && cmake --build --preset release "
            "--target dispar_peer, or name it with --binary PATH"
        )
    options.memory_state = "heap kept" if options.heap == "kept" else "glibc default heap"
    options.workloads = [name for name in options.workloads.split(",") if name]
    options.peers = [name for name in options.peers.split(",") if name]
    return options


def judge(row, case, ceiling):
    """Fills in the share of the ceiling and what was required and missed."""
    row["ceiling"] = case.ceiling
    row["ceiling_fraction"] = case.ceiling_fraction(row["ours_ms"], ceiling)
    row["ceiling_must"], row["ceiling_aim"] = case.ceiling_goal
    row["extra_mb_must"], row["extra_mb_aim"] = case.extra_mb_goal
    row["error_must"], row["error_aim"] = case.error_goal
    row["ms_must"], row["ms_aim"] = case.ms_goal
    missed = []
    if row["must"] is not None:
        row["meets_must"] = row["ratio"] <= row["must"] if row["bound"] == "at most" else row["ratio"] >= row["must"]
        if not row["meets_must"]:
            missed.append("ratio")
    if row["ceiling_must"] is not None and row["ceiling_fraction"] < row["ceiling_must"]:
        missed.append("ceiling_fraction")
    if row["ms_must"] is not None and row["ours_ms"] > row["ms_must"]:
        missed.append("ours_ms")
    if row["ours_extra_mb"] > row["extra_mb_must"]:
        missed.append("ours_extra_mb")
    if not row["ours_error"] <= row["error_must"]:
        missed.append("ours_error")
    row["missed"] = missed


def processor_name():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def sides(options):
    """The commands of all sides by name, and the environment that all of them get."""
    script = lambda python, name, *extra: [python, "-B", str(HERE / name), *extra]
    commands = {
        "dispar": [str(options.binary.resolve())],
        "torch": script(options.python, "torch_peer.py"),
        "sklearn": script(options.python, "sklearn_peer.py"),
        "torch_current": script(options.modern_python, "torch_peer.py"),
        "torch_compile": script(options.modern_python, "torch_peer.py", "--compile"),
        "metric_learning": script(options.modern_python, "metric_learning_peer.py"),
        "keops": script(options.modern_python, "keops_peer.py"),
        "jax": script(options.modern_python, "jax_peer.py"),
    }
    if Path(options.modern_python).absolute() == Path(options.python).absolute():
        del commands["torch_current"]  # it is "torch"
    count = str(options.threads)
    environment = {name: count for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    # PyTorch holds two thread pools, OpenMP's and OpenBLAS's; spinning threads of one starve the other, up to thirty times
    # slower while anything else runs. Waiting asleep costs microseconds.
    environment["OMP_WAIT_POLICY"] = "passive"
    if options.heap == "kept":
        environment.update(HEAP_KEPT)
    return commands, environment


def compare(options, directory):
    commands, environment = sides(options)
    table = [case for case in cases(options.quick) if alternation.selected(case, options.workloads)]
    alternation.check_selection(options, commands, table)
    found = alternation.run(alternation.Servers(commands, environment, directory), table, lambda case, x, y: case.truth(x, y), options,
                            directory)
    for row, case in found["rows"]:
        judge(row, case, found["ceiling"])
    machine = {"processor": processor_name(), "cores": len(os.sched_getaffinity(0))}
    return {
        "machine": machine | {key: found.pop(key) for key in ("load_before", "load_after")},
        "threads": options.threads,
        "repeat": options.repeat,
        "heap": options.heap,
        "quick": options.quick,
        **found,
        "rows": [row for row, _ in found["rows"]],
    }


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="dispar-compare-") as directory:
        try:
            document = compare(options, Path(directory))
        except PeerError as problem:
            sys.exit(f"compare.py: {options.binary}: {problem}")
    alternation.conclude(options, document, report.markdown(document))


if __name__ == "__main__":
    main()
