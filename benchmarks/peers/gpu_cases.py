"""The workloads of compare_gpu.py. dispar's float is exact; peers whose products round to TF32 are named so."""

from cases import Case, Opponent

# Factors with 11 bits: a distance is off by about 2^-11 of the product of the norms. Lets through what is no mistake; not a
# measured error.
TF32_TOLERANCE = 1e-3

# (must, aim) in milliseconds of dispar's exact float, by workload, rows of one sample, and features.
TIME_GOALS = {("mmd2_unbiased", 100000, 768): (500, 300)}


def tf32(command, label):
    return Opponent("torch_tf32", command, f"{label}, TF32 products", value_tolerance=TF32_TOLERANCE)


def gpu_cases(size):
    """`size`: quick, default or large. Whole Gram matrices do not fit at 100000 rows, nor do they in PyTorch's 12 passes."""
    n, n_gradient, n_test, permutations = {
        "quick": (500, 500, 300, 200),
        "default": (20000, 10000, 4000, 1000),
        "large": (100000, 20000, 20000, 1000),
    }[size]
    whole = (
        Opponent("torch", "mmd2_unbiased", "whole Gram matrices"),
        Opponent("torch_compile", "mmd2_unbiased", "whole Gram matrices"),
    )
    blocks = (
        Opponent("torch", "mmd2_chunked", "row blocks in place"),
        tf32("mmd2_chunked", "row blocks in place"),
        Opponent("torch_compile", "mmd2_blocks", "row blocks"),
    )
    product, gather = "sign matrix on a stored Gram", "indexing the Gram per permutation"
    return [
        *(Case("mmd2_unbiased", n, n, d, blocks if size == "large" else whole + blocks) for d in (64, 768)),
        Case(
            "mmd2_gradient", n_gradient, n_gradient, 64,
            (Opponent("torch", "mmd2_gradient", "autograd"), Opponent("torch_compile", "mmd2_gradient", "autograd")),
        ),
        Case(
            "permutation_test", n_test, n_test, 64,
            (
                Opponent("torch", "permutation_product", product),
                tf32("permutation_product", product),
                Opponent("torch", "permutation_index", gather),
                Opponent("torch_compile", "permutation_product", product),
            ),
            permutations,
        ),
    ]  # fmt: skip
