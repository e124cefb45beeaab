"""The protocol and the measurement that every Python peer shares; dispar_peer.cpp is their counterpart.

A request is a line `WORKLOAD key=value ...`, an answer a line of JSON. The first request of a line also measures the memory
of its first full-size run; every timed run follows `warmups` untimed ones. Of `repeats` timed runs the mean is reported.
"""

import ctypes
import gc
import json
import os
import resource
import sys
import time

import numpy

# Import this module first: what a library prints when it is imported or compiles must not reach the protocol.
_answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def return_free_pages():
    """glibc's malloc_trim: free memory inside the heap is not to be mistaken for memory that the next run gets for free."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        pass


def status_bytes(field):
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return 1024 * int(line.split()[1])
    return 0


def peak_extra_mb(work):
    """Resident memory that `work` needs on top of what is resident before it, in 1e6 bytes."""
    gc.collect()
    return_free_pages()
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as clear:
            clear.write("5")
        reset = True
    except OSError:
        reset = False
    before = status_bytes("VmRSS")
    work()
    peak = status_bytes("VmHWM") if reset else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(0.0, (peak - before) * 1e-6)


class HostMeter:
    """How a side is measured: its memory, and the time of one run. `torch_peer.py` has another one for the GPU."""

    peak_extra_mb = staticmethod(peak_extra_mb)

    @staticmethod
    def timed(work):
        """What `work` returns, its wall time and its CPU time in seconds."""
        cpu, wall = time.process_time(), time.perf_counter()
        result = work()
        return result, time.perf_counter() - wall, time.process_time() - cpu


class Request:
    """`WORKLOAD key=value ...`; the samples are read from the files that it names."""

    def __init__(self, line):
        self.command, *words = line.split()
        self.arguments = dict(word.split("=", 1) for word in words)
        self.gamma = float(self.arguments.get("gamma", "nan"))
        self.permutations = int(self.arguments.get("permutations", "0"))
        self.threads = int(self.arguments.get("threads", "1"))
        self.warmups = int(self.arguments.get("warmups", "1"))
        self.repeats = int(self.arguments.get("repeats", "1"))

    def samples(self):
        d = int(self.arguments["d"])
        return tuple(numpy.fromfile(self.arguments[name], dtype=numpy.float32).reshape(-1, d) for name in "xy")


def serve(info, workloads, compiles=False, meter=HostMeter):
    """Answers requests until the input ends.

    `workloads[name](x, y, request)` takes numpy arrays and returns a function without arguments that does the work and
    returns a dict with `value` and, where it applies, `gradient`, `threshold`, `p_value`, and `unmeasured_ms` and
    `unmeasured_cpu_ms` (time of the part that was scaled up instead of run). `compiles`: a first run
    compiles, so memory is measured on a later one.
    """
    current, work, extra_mb = None, None, 0.0
    for line in sys.stdin:
        try:
            request = Request(line)
            if request.command == "info":
                answer = {**info, "workloads": sorted(workloads)}
            else:
                if line != current:
                    x, y = request.samples()
                    # A run on a few rows starts the thread pools. Where it would only compile for the wrong shape, a full one.
                    rows = len(x) if compiles else 64
                    workloads[request.command](x[:rows], y[:rows], request)()
                    work = workloads[request.command](x, y, request)
                    if compiles:
                        work()
                    current = line
                    extra_mb = meter.peak_extra_mb(work)
                for _ in range(request.warmups):
                    work()
                result, wall, cpu = meter.timed(lambda: [work() for _ in range(request.repeats)][-1])
                wall, cpu = wall / request.repeats, cpu / request.repeats
                if "gradient" in result:
                    numpy.asarray(result.pop("gradient"), dtype=numpy.float32).tofile(request.arguments["gradient"])
                answer = {
                    "ms": 1e3 * wall + result.pop("unmeasured_ms", 0.0),
                    "cpu_ms": 1e3 * cpu + result.pop("unmeasured_cpu_ms", 0.0),
                    "extra_mb": extra_mb,
                    **result,
                }
        except Exception as problem:  # whatever a peer throws belongs into the table, not into a broken pipe
            answer = {"error": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(answer), file=_answers, flush=True)
