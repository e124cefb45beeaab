#!/usr/bin/env python3
"""The same work in dispar and in PyTorch on one GPU, alternating in one run; see README.md.

    benchmarks/peers/compare_gpu.py --python peers/bin/python --json results.json --markdown results.md
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
    import reference
except ModuleNotFoundError:
    numpy = None  # said below, after --help

import report
from gpu_cases import TIME_GOALS, gpu_cases
from peer_process import PeerError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SKIPPED = 77


def arguments():
    parser = argparse.ArgumentParser(
        description="Runs the same work in dispar's gpu backend and in PyTorch on the GPU: eager, in row blocks, with "
        "torch.compile; alternates the two sides of every ratio and prints a Markdown table.",
        epilog="Exit status: 0; 1 when a side's value is wrong or dispar fails; 2 for bad usage; with --check, 3 when a required "
        "number is missed; 77 where there is no GPU.",
    )
    add = parser.add_argument
    add("--binary", type=Path, default=ROOT / "build/cuda/bin/dispar_gpu_peer", help="dispar's side (default: %(default)s)")
    add("--python", default=sys.executable, help="interpreter with a PyTorch for CUDA (default: the one that runs this)")
    add("--repeat", type=int, default=7, help="alternated runs per ratio, the medians count (default: %(default)s)")
    add("--workloads", default="", help="comma-separated names, or name:d such as mmd2_unbiased:64 (default: all)")
    add("--peers", default="", help="comma-separated: torch, torch_tf32, torch_compile (default: all)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--large", action="store_true", help="100000 rows, and 40000 in the permutation test: 80 GB of GPU memory")
    quick = "tiny samples: checks that everything runs and agrees; the times mean nothing"
    size.add_argument("--quick", action="store_true", help=quick)
    no_gpu = "cpu: tries this script without a GPU, with dispar_peer as the --binary; the times mean nothing"
    add("--torch-device", choices=("cuda", "cpu"), default="cuda", help=no_gpu)
    add("--check", action="store_true", help="exit with 3 when a required number is missed")
    add("--json", type=Path, metavar="FILE", help="write the rows there")
    add("--markdown", type=Path, metavar="FILE", help="write the table there too")
    options = parser.parse_args()
    if numpy is None:
        parser.error(f"{sys.executable} has no numpy; run this with an interpreter that does")
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    if not os.access(options.binary, os.X_OK) or options.binary.is_dir():
        parser.error(
            f"{options.binary} is not there. Build it with: cmake --preset cuda && cmake --build --preset cuda --target "
            "dispar_gpu_peer, or name it with --binary PATH"
        )
    options.workloads = [name for name in options.workloads.split(",") if name]
    options.peers = [name for name in options.peers.split(",") if name]
    options.size = "large" if options.large else "quick" if options.quick else "default"
    options.threads = 1
    options.memory_state = "caching allocator warm"
    return options


def judge(row, case, ceiling):
    """Fills in the share of the multiply-add peak, the time goals and what was missed. No ratio to a peer is promised."""
    row["ceiling_fraction"] = case.useful_flops / (row["ours_ms"] * 1e-3) / (ceiling["fma_gflops"] * 1e9)
    row["must_ms"], row["aim_ms"] = TIME_GOALS.get((case.workload, case.n, case.d), (None, None))
    copy_mb = 4e-6 * (case.n + case.m) * case.d
    row["extra_mb_must"], row["extra_mb_aim"] = 3 * copy_mb, copy_mb
    row["missed"] = [] if row["must_ms"] is None or row["ours_ms"] <= row["must_ms"] else ["ours_ms"]
    if row["ours_extra_mb"] > row["extra_mb_must"]:
        row["missed"].append("ours_extra_mb")


def compare(options, directory):
    torch = [options.python, "-B", str(HERE / "torch_peer.py"), "--device", options.torch_device]
    commands = {
        "dispar": [str(options.binary.resolve())],
        "torch": torch,
        "torch_tf32": torch + ["--tf32"],
        "torch_compile": torch + ["--compile"],
    }
    table = [case for case in gpu_cases(options.size) if alternation.selected(case, options.workloads)]
    alternation.check_selection(options, commands, table)
    servers = alternation.Servers(commands, {}, directory)
    device = servers.info("dispar").get("device", "no GPU")

    def truth_of(case, x, y):
        """In float64 by PyTorch on the GPU, which has nothing of dispar in it; the gradient, at its smaller size, by numpy."""
        with servers.start("torch") as process:
            line = alternation.request_line("mmd2_float64", case, options, directory, "unused.f32")
            value = process.request(line + " warmups=0")["value"]
        gradient = reference.gradient(x, y, case.gamma) if case.workload == "mmd2_gradient" else None
        return {"value": value, "gradient": gradient}

    found = alternation.run(servers, table, truth_of, options, directory)
    for row, case in found["rows"]:
        judge(row, case, found["ceiling"])
    return {
        "machine": {"device": device} | {key: found.pop(key) for key in ("load_before", "load_after")},
        "repeat": options.repeat,
        "size": options.size,
        "real": options.torch_device == "cuda" and not options.quick,
        **found,
        "rows": [row for row, _ in found["rows"]],
    }


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="dispar-compare-gpu-") as directory:
        try:
            document = compare(options, Path(directory))
        except PeerError as problem:
            if "no GPU" in str(problem):
                print(f"compare_gpu.py: skipped: {problem}")
                sys.exit(SKIPPED)
            sys.exit(f"compare_gpu.py: {problem}")
    alternation.conclude(options, document, report.gpu_markdown(document))


if __name__ == "__main__":
    main()
