"""The workloads: sizes, peers, useful floating-point operations, and the ratios to reach."""

from dataclasses import dataclass, field

import reference

# Largest absolute difference between two sides' values. PyTorch adds 25 million floats in float: up to 1.4e-6 was seen.
VALUE_TOLERANCE = 5e-6


@dataclass(frozen=True)
class Opponent:
    """One peer on one case. `server`: key of compare.SERVERS; `command`: its name for the work."""

    server: str
    command: str
    label: str = ""
    must: float = None
    aim: float = None
    # "at least": ratio = peer time / dispar's time; "at most": ratio = dispar's time / peer time (cost over a simpler task).
    bound: str = "at least"
    value_tolerance: float = VALUE_TOLERANCE


@dataclass(frozen=True)
class Case:
    workload: str
    n: int
    m: int
    d: int
    opponents: tuple
    permutations: int = 0
    sizes: dict = field(init=False)
    # What the speed is a share of: "FMA peak" or "copy", bytes read and written per second.
    ceiling = "FMA peak"
    # Distance of the value from float64 (must, aim).
    error_goal = (1e-8, 2e-9)
    # Milliseconds (must, aim).
    ms_goal = (None, None)
    # Runs that are timed together, where one is too short for a clock and a thread pool.
    repeats = 1

    def __post_init__(self):
        sizes = {"n": self.n, "m": self.m, "d": self.d}
        if self.permutations:
            sizes["p"] = self.permutations
        object.__setattr__(self, "sizes", sizes)

    def samples(self):
        return reference.samples(self.n, self.m, self.d)

    def truth(self, x, y):
        """The value in float64, and the gradient where the workload has one."""
        return {
            "value": float(reference.value(x, y, reference.bandwidths(self.workload, self.gamma))),
            "gradient": reference.gradient(x, y, self.gamma) if self.workload == "mmd2_gradient" else None,
        }

    def ceiling_fraction(self, ms, ceiling):
        return self.useful_flops / (ms * 1e-3) / (ceiling["fma_gflops"] * 1e9)

    @property
    def gamma(self):
        return 1 / (2 * self.d)

    @property
    def useful_flops(self):
        """Multiply-adds counted twice, symmetric halves once; kernel values are not counted."""
        n, m, d = self.n, self.m, self.d
        if self.workload == "permutation_test":
            return 2 * (d + self.permutations) * (n + m) ** 2 / 2
        value = 2 * d * (n * n / 2 + m * m / 2 + n * m)
        if self.workload == "mmd2_gradient":
            return value + 2 * d * (n * n + n * m)
        return value

    @property
    def ceiling_goal(self):
        """Share of the multiply-add peak to reach (must, aim)."""
        return (0.75, 0.92) if self.workload == "mmd2_unbiased" and self.d >= 64 else (None, None)

    @property
    def extra_mb_goal(self):
        """Extra memory to stay below (must, aim): 3 (n + m) d floats + 4 MB; one packed copy."""
        packed = 4e-6 * (self.n + self.m) * self.d
        if self.workload == "permutation_test":
            return 3 * packed + 4, 2.0
        return 3 * packed + 4, packed


class PairedRows:
    """A case of two matrices of b rows each: to the sides, two samples."""

    permutations = 0
    gamma = float("nan")
    ms_goal = (None, None)
    repeats = 1

    @property
    def n(self):
        return self.b

    @property
    def m(self):
        return self.b


@dataclass(frozen=True)
class RowCase(PairedRows):
    """Aligned rows of logits, b x v. To the sides they are two samples of b rows and v columns."""

    workload: str
    b: int
    v: int
    opponents: tuple
    ceiling = "copy"
    # The value is a mean of sums of v products of rounded floats.
    error_goal = (2e-7, 5e-8)
    ceiling_goal = (None, 0.75)
    extra_mb_goal = (4.0, 1.0)
    ms_goal: tuple = (None, None)
    repeats: int = 1

    @property
    def sizes(self):
        return {"b": self.b, "v": self.v}

    @property
    def d(self):
        return self.v

    def samples(self):
        return reference.logits(self.b, self.v)

    def truth(self, x, y):
        if self.workload in ("top_k_sample", "top_p_sample"):
            return {"value": reference.drawn(x, self.workload), "gradient": None}
        if self.workload == "adacad_step":
            value, merged = reference.adacad(x, y)
            return {"value": value, "gradient": merged}
        if self.workload == "sequence_logps_gradient":
            value, gradient = reference.sequence_logps(x)
            return {"value": value, "gradient": gradient}
        value, gradient = reference.jensen_shannon(x, y)
        return {"value": value, "gradient": gradient if self.workload == "jsd_rows_gradient" else None}

    def ceiling_fraction(self, ms, ceiling):
        """All matrices are read once (`sequence_logps_gradient` has one), what results is written once."""
        if self.workload in ("top_k_sample", "top_p_sample"):
            matrices = 1
        else:
            matrices = 2 if self.workload in ("jsd_rows", "sequence_logps_gradient") else 3
        return 4 * matrices * self.b * self.v / (ms * 1e-3) / (ceiling["copy_gbs"] * 1e9)


@dataclass(frozen=True)
class ContrastiveCase(PairedRows):
    """Two matrices of b embeddings of d features, row i of one belonging to row i of the other; losses with labels have the first
    only, with `reference.classes`."""

    workload: str
    b: int
    d: int
    opponents: tuple
    # A fiftieth, and a 125th, of the 8.25 GB that PyTorch takes with 16384 pairs of 512 features.
    extra_mb_goal = (165.0, 66.0)
    ceiling = "FMA peak"
    # The value is a mean of logarithms, logits of up to 14 being rounded to float.
    error_goal = (2e-6, 5e-7)
    ceiling_goal = (None, None)

    @property
    def sizes(self):
        return {"b": self.b, "d": self.d}

    def samples(self):
        return reference.views(self.b, self.d)

    def truth(self, x, y):
        if self.workload == "supcon_gradient":
            value, gradient = reference.supcon(x, 0.1)
        elif self.workload == "triplet_gradient":
            value, gradient = reference.triplet(x, 0.3)
        else:
            value, gradient = reference.symmetric_infonce(x, y, 0.07)
        return {"value": value, "gradient": gradient}

    def ceiling_fraction(self, ms, ceiling):
        """As many products as storing the logits needs, symmetric ones by half: logits, and the gradient by either side; with
        labels half a product, and for `supcon_gradient` one more."""
        products = {"infonce_gradient": 3, "supcon_gradient": 1.5, "triplet_gradient": 0.5}[self.workload]
        return 2 * products * self.b**2 * self.d / (ms * 1e-3) / (ceiling["fma_gflops"] * 1e9)


def contrastive_cases(quick, goal):
    sizes = {100: {}} if quick else {1024: goal(1, 1.5), 4096: goal(1, 1.3), 16384: goal(1.3, 1.5)}
    return [
        ContrastiveCase(
            "infonce_gradient", b, 64 if quick else 512,
            (Opponent("torch", "infonce_gradient", **targets), Opponent("torch_current", "infonce_gradient"),
             Opponent("torch_compile", "infonce_gradient")),
        )
        for b, targets in sizes.items()
    ] + [
        ContrastiveCase(
            workload, 100 if quick else 4096, 64 if quick else 512,
            tuple(Opponent(server, workload) for server in ("torch", "metric_learning", "torch_current", "torch_compile")),
        )
        for workload in ("supcon_gradient", "triplet_gradient")
    ]


def row_cases(quick, goal):
    goals = {"jsd_rows": goal(6, 10), "jsd_rows_gradient": goal(8, 13)}
    return [
        RowCase(
            workload, b, v,
            (Opponent("torch", workload, **targets), Opponent("torch_current", workload), Opponent("torch_compile", workload)),
        )
        for workload, targets in goals.items()
        for b, v in (((64, 3000),) if quick else ((512, 32000), (256, 128256)))
    ] + [
        RowCase(
            "sequence_logps_gradient", 64 if quick else 512, 3000 if quick else 32000,
            tuple(Opponent(server, "sequence_logps_gradient") for server in ("torch", "torch_current", "torch_compile")),
        )
    ] + [
        # A token of one sequence: both logits are in a cache, and a step is too short to be timed alone.
        RowCase(
            "adacad_step", 1, 3000 if quick else 128256,
            tuple(Opponent(server, "adacad_step") for server in ("torch", "torch_current", "torch_compile")),
            ms_goal=(None, None) if quick else (0.35, 0.15), repeats=100,
        )
    ] + [
        RowCase(
            workload, b, 3000 if quick else 128256,
            (Opponent("torch", workload, "sort", **goal(5, 10)),)
            + ((Opponent("torch", "top_k_sample_topk", "topk"),) if workload == "top_k_sample" else ())
            + (Opponent("torch_current", workload, "sort"),),
            repeats=20 if b == 1 else 1,
        )
        for workload in ("top_k_sample", "top_p_sample")
        for b in (1, 64)
    ]


def cases(quick):
    """The full table, or with `quick` the same on tiny samples, where no ratio is promised."""
    n, n_test, permutations = (500, 300, 200) if quick else (5000, 2000, 500)

    def goal(must, aim):
        return {} if quick else {"must": must, "aim": aim}

    unbiased = {16: goal(8, 16), 64: goal(3, 6), 256: goal(2, 2.6), 768: goal(1.5, 1.9)}
    modern = ("torch_current", "torch_compile", "keops", "jax")

    def with_modern(command, *opponents, d=64):
        # KeOps is made for up to about 100 features; beyond, one value takes it minutes on two cores.
        return opponents + tuple(Opponent(server, command) for server in modern if server != "keops" or d <= 64)

    table = [
        Case(
            "mmd2_unbiased", n, n, d,
            with_modern(
                "mmd2_unbiased",
                Opponent("torch", "mmd2_unbiased", **targets),
                Opponent("torch", "mmd2_chunked", "row blocks in place"),
                Opponent("sklearn", "mmd2_unbiased", "rbf_kernel"),
                d=d,
            ),
        )
        for d, targets in unbiased.items()
        if not quick or d <= 64
    ]
    table.append(
        Case(
            "mmd2_five_bandwidths", n, n, 64,
            with_modern(
                "mmd2_five_bandwidths",
                Opponent("dispar", "mmd2_unbiased", "one bandwidth", bound="at most", **goal(1.25, 1.08)),
                Opponent("torch", "mmd2_five_bandwidths"),
            ),
        )
    )
    table.append(
        Case(
            "mmd2_gradient", n, n, 64,
            with_modern("mmd2_gradient", Opponent("torch", "mmd2_gradient", "autograd", **goal(2.5, 4))),
        )
    )
    table.append(
        Case(
            "permutation_test", n_test, n_test, 64,
            (
                Opponent("torch", "permutation_product", "sign matrix on a stored Gram", **goal(1.5, 2.5)),
                Opponent("torch", "permutation_index", "indexing the Gram per permutation", **goal(150, 300)),
                Opponent("torch_current", "permutation_product", "sign matrix on a stored Gram"),
                Opponent("torch_current", "permutation_index", "indexing the Gram per permutation"),
                Opponent("torch_compile", "permutation_product", "sign matrix on a stored Gram"),
                Opponent("jax", "permutation_product", "sign matrix on a stored Gram, as MMDAgg"),
            ),
            permutations,
        )
    )
    return table + row_cases(quick, goal) + contrastive_cases(quick, goal)
