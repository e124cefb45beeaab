"""Two sides taking turns on the same work: what compare.py and compare_gpu.py share."""

import json
import os
import statistics
import sys
import tempfile

import numpy
from cases import VALUE_TOLERANCE
from peer_process import PeerError, PeerProcess

# Largest difference between two gradients, relative to the largest component.
GRADIENT_TOLERANCE = 1e-3
# Relative, with 500 permutations: their 95 % quantile has a standard error of about 6 %, and the draws differ.
THRESHOLD_TOLERANCE = 0.35


class OwnError(PeerError):
    """dispar's side failed: the run goes on and ends with an error."""


class Servers:
    """Starts a side's process by name. One process per ratio: nothing is left over from other work."""

    def __init__(self, commands, environment, directory):
        self._commands, self._environment, self._directory = commands, environment, directory
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
        "n": case.n, "m": case.m, "d": case.d, "permutations": case.permutations, "repeats": case.repeats, "threads": options.threads,
        "gamma": repr(case.gamma),
        "x": directory / "x.f32", "y": directory / "y.f32", "gradient": directory / gradient,
    }  # fmt: skip
    return " ".join([command] + [f"{key}={value}" for key, value in words.items()])


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


def disagreements(row, ours, peer, gradient_errors, tolerance):
    """What is wrong with the values, as sentences."""
    found = []
    if row["peer_error"] is not None and not abs(ours["value"] - peer["value"]) <= tolerance:
        found.append(f"values differ: {ours['value']!r} and {peer['value']!r}, more than {tolerance}")
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
        "peer": f"{info['name']} {info['version']}{label}, {options.memory_state}",
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
    row["disagreements"] = disagreements(row, ours, peer, gradient_errors, opponent.value_tolerance)
    return row


def check_selection(options, names, table):
    """Ends the program when a peer or workload that was asked for does not exist."""
    unknown = [name for name in options.peers if name not in names]
    if unknown or not table:
        problem = f"no such peer: {unknown[0]}" if unknown else f"no workload matches {options.workloads}"
        sys.exit(f"{os.path.basename(sys.argv[0])}: {problem}")


def wrong_values(rows, failures):
    """Everything that makes a run fail, as sentences."""
    return failures + [f"{row['workload']} against {row['peer']}: {text}" for row in rows for text in row["disagreements"]]


def run(servers, table, truth_of, options, directory):
    """All rows of the table, each with its case, the run's ceiling, and what was not measured and why. `truth_of(case, x, y)`:
    the value in float64, and the gradient where the workload has one."""
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
            x, y = case.samples()
            x.tofile(directory / "x.f32")
            y.tofile(directory / "y.f32")
            truth = truth_of(case, x, y)
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
                for key, value in meter.request(peak + (" all=1" if case.ceiling == "copy" else "")).items():
                    ceiling[key] = max(ceiling[key], value)
                rows.append((row, case))
                times = f"{row['ours_ms']:.1f} ms, {row['peer_ms']:.1f} ms, ratio {row['ratio']:.2f}"
                progress(f"{case.workload} d={case.d} against {row['peer']}: {times}")
    return {
        "load_before": load_before,
        "load_after": os.getloadavg()[0],
        "ceiling": ceiling,
        "dispar": info,
        "rows": rows,
        "not_measured": not_measured,
        "failures": failures,
    }


def conclude(options, document, text):
    """Prints and writes the results, and ends the program as README.md says."""
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    wrong = wrong_values(document["rows"], document["failures"])
    if wrong or not document["rows"]:
        sys.exit(f"{os.path.basename(sys.argv[0])}: " + ("\n".join(wrong) or "nothing was measured"))
    if options.check and any(row["missed"] for row in document["rows"]):
        sys.exit(3)
