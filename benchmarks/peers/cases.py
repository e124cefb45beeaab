"""The workloads: sizes, peers, useful floating-point operations, and the ratios to reach."""

from dataclasses import dataclass, field

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

    def __post_init__(self):
        sizes = {"n": self.n, "m": self.m, "d": self.d}
        if self.permutations:
            sizes["p"] = self.permutations
        object.__setattr__(self, "sizes", sizes)

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
    return table
