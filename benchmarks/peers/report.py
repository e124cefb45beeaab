"""Rows as a Markdown table."""

HEADER = (
    "workload", "sizes", "threads", "ours ms", "peer", "peer ms", "ratio", "must", "aim", "ours CPU ms", "peer CPU ms",
    "ours extra MB", "peer extra MB", "of the ceiling", "error", "peer error",
)  # fmt: skip


def number(value):
    """Three significant digits without an exponent, a dash for nothing."""
    if value is None:
        return "–"
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    digits = 2 if abs(value) < 1 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}"


def small(value):
    return "–" if value is None else f"{value:.0e}"


def cells(row):
    at_most = row["bound"] == "at most"

    def goal(value):
        return "–" if value is None else ("≤ " if at_most else "") + f"{value:g} ×"

    verdict = {True: "", False: " **missed**", None: ""}[row["meets_must"]]
    fraction = row["ceiling_fraction"]
    return (
        row["workload"],
        " ".join(f"{key}={value}" for key, value in row["sizes"].items()),
        str(row["threads"]),
        number(row["ours_ms"]),
        row["peer"],
        number(row["peer_ms"]),
        f"{number(row['ratio'])} ×",
        goal(row["must"]) + verdict,
        goal(row["aim"]),
        number(row["ours_cpu_ms"]),
        number(row["peer_cpu_ms"]),
        number(row["ours_extra_mb"]),
        number(row["peer_extra_mb"]),
        f"{100 * fraction:.0f} % of {row['ceiling']}",
        small(row["ours_error"]),
        small(row["peer_error"]),
    )


def markdown(document):
    machine, ceiling, library = document["machine"], document["ceiling"], document["dispar"]
    lines = [
        f"Machine: {machine['processor']}, {machine['cores']} cores, {document['threads']} thread(s) used, load average "
        f"{machine['load_before']:.1f} before and {machine['load_after']:.1f} after (this run included).  ",
        f"Ceiling in this run: {ceiling['fma_gflops']:.0f} GFLOP/s ({ceiling['fma_gflops_1']:.0f} on one thread), copy "
        f"{ceiling['copy_gbs']:.0f} GB/s, {ceiling['exp']:.1f}e9 exponentials/s.  ",
        f"dispar {library['version']}, {library['compiler']}, {library['instruction_set']}, threads: {library['threading']}. "
        f"Medians of {document['repeat']} alternated runs.",
    ]
    if library["baseline_build"]:
        lines += ["", "**Baseline build: compiled without `-march`, several times below this machine's speed.**"]
    if document["quick"]:
        lines += ["", "**Quick run: tiny samples; these ratios are not results.**"]
    lines += table(document, HEADER, cells)
    return "\n".join(lines) + "\n"


def table(document, header, cells_of):
    """The rows, the notes below them, and what was not measured."""
    lines = ["", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cells_of(row)) + " |" for row in document["rows"]]
    notes = sorted({row["note"] for row in document["rows"] if row["note"]})
    if notes:
        lines += [""] + notes
    if document["not_measured"]:
        lines += ["", "Not measured:", ""]
        lines += [f"- {entry['workload']} against {entry['peer']}: {entry['reason']}" for entry in document["not_measured"]]
    return lines


GPU_HEADER = (
    "workload", "sizes", "ours ms", "must ms", "aim ms", "peer", "peer ms", "ratio", "ours extra MB", "peer extra MB",
    "FFMA peak", "error", "peer error",
)  # fmt: skip


def gpu_cells(row):
    return (
        row["workload"],
        " ".join(f"{key}={value}" for key, value in row["sizes"].items()),
        number(row["ours_ms"]),
        number(row["must_ms"]) + (" **missed**" if "ours_ms" in row["missed"] else ""),
        number(row["aim_ms"]),
        row["peer"],
        number(row["peer_ms"]),
        f"{number(row['ratio'])} ×",
        number(row["ours_extra_mb"]),
        number(row["peer_extra_mb"]),
        f"{100 * row['ceiling_fraction']:.0f} %",
        small(row["ours_error"]),
        small(row["peer_error"]),
    )


def gpu_markdown(document):
    machine, ceiling, library = document["machine"], document["ceiling"], document["dispar"]
    rate = lambda key: f"{ceiling[key] / 1000:.1f} TFLOP/s" if ceiling.get(key) else "not measured"
    lines = [
        f"Device: {machine['device']}, load average of the host {machine['load_before']:.1f} before and "
        f"{machine['load_after']:.1f} after.  ",
        f"Ceiling in this run: float multiply-adds {rate('fma_gflops')}, cuBLAS TF32 {rate('tf32_gflops')}, bfloat16 "
        f"{rate('bf16_gflops')}, copy {ceiling['copy_gbs']:.0f} GB/s.  ",
        f"dispar {library['version']}, {library['compiler']}. Medians of {document['repeat']} alternated runs.",
    ]
    if not document["real"]:
        lines += ["", "**Tiny samples, or no GPU: these times are not results.**"]
    return "\n".join(lines + table(document, GPU_HEADER, gpu_cells)) + "\n"
