#!/usr/bin/env python3
"""The same work in dispar and in its peers, alternating in one run; see README.md.

    benchmarks/peers/compare.py --json results.json --markdown results.md
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

try:
    import numpy
    import reference
except ModuleNotFoundError:
    numpy = None  # said below, after --help

import report
from cases import cases
from peer_process import PeerError, PeerProcess

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# Largest absolute difference between two sides' values. PyTorch adds 25 million floats in float: up to 1.4e-6 was seen.
VALUE_TOLERANCE = 5e-6
# Largest difference between two gradients, relative to the largest component.
GRADIENT_TOLERANCE = 1e-3
# Relative, with 500 permutations: their 95 % quantile has a standard error of about 6 %, and the draws differ.
THRESHOLD_TOLERANCE = 0.35
# dispar's own promise on the value against float64, absolute.
ERROR_MUST, ERROR_AIM = 1e-8, 2e-9

# glibc keeps what is freed: no page faults for temporaries, as in a warmed-up process with a caching allocator.
HEAP_KEPT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**60)}


class OwnError(PeerError):
    """dispar's side failed: the run goes on and ends with an error."""


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
    peers = "comma-separated: torch, sklearn, torch_current, torch_compile, keops, jax, dispar (default: all)"
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
    options.workloads = [name for name in options.workloads.split(",") if name]
    options.peers = [name for name in options.peers.split(",") if name]
    return options


class Servers:
    """Starts a side's process by name. One process per ratio: nothing is left over from other work."""

    def __init__(self, options, directory):
        self._directory = directory
        script = lambda python, name, *extra: [python, "-B", str(HERE / name), *extra]
        self._commands = {
            "dispar": [str(options.binary.resolve())],
            "torch": script(options.python, "torch_peer.py"),
            "sklearn": script(options.python, "sklearn_peer.py"),
            "torch_current": script(options.modern_python, "torch_peer.py"),
            "torch_compile": script(options.modern_python, "torch_peer.py", "--compile"),
            "keops": script(options.modern_python, "keops_peer.py"),
            "jax": script(options.modern_python, "jax_peer.py"),
        }
        if Path(options.modern_python).absolute() == Path(options.python).absolute():
            del self._commands["torch_current"]  # it is "torch"
        count = str(options.threads)
        self._environment = {name: count for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        # PyTorch holds two thread pools, OpenMP's and OpenBLAS's; spinning threads of one starve the other, up to thirty times
        # slower while anything else runs. Waiting asleep costs microseconds.
        self._environment["OMP_WAIT_POLICY"] = "passive"
        if options.heap == "kept":
            self._environment.update(HEAP_KEPT)
        self._info = {}

    def names(self):
        return list(self._commands)

    def start(self, name):
        return PeerProcess(self._commands[name], self._environment, tempfile.mkdtemp(dir=self._directory))

    def info(self, name):
        """Name and version of a side; PeerError where it does not start. Asked once."""
        if name not in self._info:
            try:
                with self.start(name) as process:
                    self._info[name] = process.request("info")
            except PeerError as problem:
                self._info[name] = problem
        if isinstance(self._info[name], PeerError):
            raise self._info[name]
        return self._info[name]


def selected(case, names):
    return not names or case.workload in names or f"{case.workload}:{case.d}" in names


def request_line(command, case, options, directory, gradient):
    words = {
        **case.sizes, "permutations": case.permutations, "threads": options.threads, "gamma": repr(case.gamma),
        "x": directory / "x.f32", "y": directory / "y.f32", "gradient": directory / gradient,
    }  # fmt: skip
    return " ".join([command] + [f"{key}={value}" for key, value in words.items() if key != "p"])


def alternate(servers, case, opponent, options, directory):
    """`repeat` answers of either side, in turns, and the gradients that they wrote."""
    lines = [
        request_line(case.workload, case, options, directory, "ours.f32"),
        request_line(opponent.command, case, options, directory, "peer.f32"),
    ]
    answers = ([], [])
    for name in ("ours.f32", "peer.f32"):
        (directory / name).unlink(missing_ok=True)
    with servers.start("dispar") as ours, servers.start(opponent.server) as peer:
        for turn in range(options.repeat):
            # Who goes first changes, so that neither side always follows the other's heat.
            for side in ((0, 1), (1, 0))[turn % 2]:
                try:
                    answers[side].append((ours, peer)[side].request(lines[side]))
                except PeerError as problem:
                    raise (problem if side else OwnError(str(problem))) from None
    gradients = [
        numpy.fromfile(path, dtype=numpy.float32).reshape(-1, case.d) if path.exists() else None
        for path in (directory / "ours.f32", directory / "peer.f32")
    ]
    return answers, gradients


def disagreements(row, ours, peer, gradient_errors):
    """What is wrong with the values, as sentences."""
    found = []
    if row["peer_error"] is not None and not abs(ours["value"] - peer["value"]) <= VALUE_TOLERANCE:
        found.append(f"values differ: {ours['value']!r} and {peer['value']!r}, more than {VALUE_TOLERANCE}")
    if not row["ours_error"] <= VALUE_TOLERANCE:
        found.append(f"dispar's value {ours['value']!r} is {row['ours_error']:.1e} off float64")
    if any(error is not None and not error <= GRADIENT_TOLERANCE for error in gradient_errors):
        found.append(f"gradients are {gradient_errors} off float64, relative to the largest component")
    if ours.get("threshold") is not None and peer.get("threshold") is not None:
        a, b = ours["threshold"], peer["threshold"]
        tolerance = THRESHOLD_TOLERANCE * (500 / row["sizes"]["p"]) ** 0.5
        if not abs(a - b) <= tolerance * max(abs(a), abs(b)):
            found.append(f"thresholds differ: {a!r} and {b!r}")
    return found


def measure(servers, case, opponent, options, directory, truth):
    """One row; its `ceiling_fraction` is filled in when the run's ceiling is known."""
    answers, gradients = alternate(servers, case, opponent, options, directory)
    ours, peer = answers[0][-1], answers[1][-1]
    median = lambda side, key: statistics.median(answer[key] for answer in answers[side])
    ours_ms, peer_ms = median(0, "ms"), median(1, "ms")
    at_most = opponent.bound == "at most"
    ratios = sorted(a["ms"] / b["ms"] if at_most else b["ms"] / a["ms"] for a, b in zip(*answers))
    info = servers.info(opponent.server)
    heap = ", heap kept" if options.heap == "kept" else ", glibc default heap"
    label = f", {opponent.label}" if opponent.label else ""
    gradient_errors = [None, None]
    if truth["gradient"] is not None:
        scale = numpy.abs(truth["gradient"]).max()
        gradient_errors = [None if g is None else float(numpy.abs(g - truth["gradient"]).max() / scale) for g in gradients]
    same_value = opponent.server != "dispar" or opponent.command == case.workload
    row = {
        "workload": case.workload,
        "sizes": case.sizes,
        "dtype": "float32",
        "threads": options.threads,
        "ours_ms": ours_ms,
        "peer": f"{info['name']} {info['version']}{label}{heap}",
        "peer_ms": peer_ms,
        "ratio": ours_ms / peer_ms if at_most else peer_ms / ours_ms,
        "ours_extra_mb": ours["extra_mb"],
        "peer_extra_mb": peer["extra_mb"],
        "ceiling_fraction": None,
        "must": opponent.must,
        "aim": opponent.aim,
        "bound": opponent.bound,
        "meets_must": None,
        "ratio_range": [ratios[0], ratios[-1]],
        "ours_cpu_ms": median(0, "cpu_ms"),
        "peer_cpu_ms": median(1, "cpu_ms"),
        "ours_value": ours["value"],
        "peer_value": peer["value"],
        "ours_error": abs(ours["value"] - truth["value"]),
        "peer_error": abs(peer["value"] - truth["value"]) if same_value else None,
        "ours_gradient_error": gradient_errors[0],
        "peer_gradient_error": gradient_errors[1],
        "note": "",
    }
    if "measured_permutations" in peer:
        row["note"] = (
            f"{row['peer']}: the time of {peer['measured_permutations']} permutations scaled to {case.permutations}; "
            "the Gram matrix is counted once."
        )
    row["disagreements"] = disagreements(row, ours, peer, gradient_errors)
    return row


def judge(row, case, ceiling):
    """Fills in the share of the ceiling and what was required and missed."""
    row["ceiling_fraction"] = case.useful_flops / (row["ours_ms"] * 1e-3) / (ceiling["fma_gflops"] * 1e9)
    row["ceiling_must"], row["ceiling_aim"] = case.ceiling_goal
    row["extra_mb_must"], row["extra_mb_aim"] = case.extra_mb_goal
    row["error_must"], row["error_aim"] = ERROR_MUST, ERROR_AIM
    missed = []
    if row["must"] is not None:
        row["meets_must"] = row["ratio"] <= row["must"] if row["bound"] == "at most" else row["ratio"] >= row["must"]
        if not row["meets_must"]:
            missed.append("ratio")
    if row["ceiling_must"] is not None and row["ceiling_fraction"] < row["ceiling_must"]:
        missed.append("ceiling_fraction")
    if row["ours_extra_mb"] > row["extra_mb_must"]:
        missed.append("ours_extra_mb")
    if not row["ours_error"] <= ERROR_MUST:
        missed.append("ours_error")
    row["missed"] = missed


def processor_name():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def run(options, directory):
    servers = Servers(options, directory)
    unknown = [name for name in options.peers if name not in servers.names()]
    table = [case for case in cases(options.quick) if selected(case, options.workloads)]
    if unknown or not table:
        sys.exit(f"compare.py: no such peer: {unknown[0]}" if unknown else f"compare.py: no workload matches {options.workloads}")
    progress = lambda text: print(text, file=sys.stderr, flush=True)

    load_before = os.getloadavg()[0]
    info = servers.info("dispar")
    peak = f"peak threads={options.threads}"
    rows, not_measured, failures, absent = [], [], [], set()
    for name in options.peers or servers.names():
        try:
            servers.info(name)
        except PeerError as problem:
            absent.add(name)
            not_measured.append({"workload": "anything", "peer": name, "reason": f"does not start: {problem}"})
            progress(f"{name} is left out: {problem}")
    with servers.start("dispar") as meter:
        ceiling = meter.request(peak + " all=1")
        for case in table:
            x, y = reference.samples(case.n, case.m, case.d)
            x.tofile(directory / "x.f32")
            y.tofile(directory / "y.f32")
            truth = {
                "value": float(reference.value(x, y, reference.bandwidths(case.workload, case.gamma))),
                "gradient": reference.gradient(x, y, case.gamma) if case.workload == "mmd2_gradient" else None,
            }
            for opponent in case.opponents:
                if opponent.server not in (options.peers or servers.names()) or opponent.server in absent:
                    continue
                name = f"{opponent.server}{' (' + opponent.label + ')' if opponent.label else ''}"
                try:
                    if opponent.command not in servers.info(opponent.server).get("workloads", [opponent.command]):
                        raise PeerError("this installation cannot do it")
                    row = measure(servers, case, opponent, options, directory, truth)
                except PeerError as problem:
                    sizes = " ".join(f"{key}={value}" for key, value in case.sizes.items())
                    not_measured.append({"workload": f"{case.workload} {sizes}", "peer": name, "reason": str(problem)})
                    if isinstance(problem, OwnError):
                        failures.append(f"{case.workload} {sizes}: dispar failed: {problem}")
                    progress(f"{case.workload} d={case.d} against {name}: not measured: {problem}")
                    continue
                # The ceiling is the best seen in the whole run: a disturbed measurement of it would flatter us.
                for key, value in meter.request(peak).items():
                    ceiling[key] = max(ceiling[key], value)
                rows.append((row, case))
                times = f"{row['ours_ms']:.1f} ms, {row['peer_ms']:.1f} ms, ratio {row['ratio']:.2f}"
                progress(f"{case.workload} d={case.d} against {row['peer']}: {times}")
    for row, case in rows:
        judge(row, case, ceiling)
    return {
        "machine": {
            "processor": processor_name(),
            "cores": len(os.sched_getaffinity(0)),
            "load_before": load_before,
            "load_after": os.getloadavg()[0],
        },
        "ceiling": ceiling,
        "dispar": info,
        "threads": options.threads,
        "repeat": options.repeat,
        "heap": options.heap,
        "quick": options.quick,
        "rows": [row for row, _ in rows],
        "not_measured": not_measured,
        "failures": failures,
    }


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="dispar-compare-") as directory:
        try:
            document = run(options, Path(directory))
        except PeerError as problem:
            sys.exit(f"compare.py: {options.binary}: {problem}")
    text = report.markdown(document)
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    wrong = document["failures"]
    for row in document["rows"]:
        wrong = wrong + [f"{row['workload']} against {row['peer']}: {sentence}" for sentence in row["disagreements"]]
    if wrong or not document["rows"]:
        sys.exit("compare.py: " + ("\n".join(wrong) or "nothing was measured"))
    if options.check and any(row["missed"] for row in document["rows"]):
        sys.exit(3)


if __name__ == "__main__":
    main()
