"""JAX, jitted; the permutation test multiplies the stored Gram with a label matrix as MMDAgg does."""

import os

# XLA takes its number of threads from the processors it may run on, once, at import.
threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
os.environ.setdefault("JAX_PLATFORMS", "cpu")

from serve import serve

import jax
import jax.numpy as jnp
import numpy


def gram(x, y, gamma):
    squared = (x * x).sum(1)[:, None] + (y * y).sum(1)[None, :] - 2 * (x @ y.T)
    return jnp.exp(-gamma * jnp.maximum(squared, 0))


def unbiased(xx, yy, xy):
    n, m = len(xx), len(yy)
    return (xx.sum() - xx.trace()) / (n * (n - 1)) + (yy.sum() - yy.trace()) / (m * (m - 1)) - 2 * xy.mean()


def mmd2(x, y, gamma):
    return unbiased(gram(x, x, gamma), gram(y, y, gamma), gram(x, y, gamma))


def ladder_sum(x, y, gamma):
    powers = [gram(x, y, gamma / 4)]
    for _ in range(4):
        powers.append(powers[-1] * powers[-1])
    return sum(powers)


def mmd2_ladder(x, y, gamma):
    return unbiased(ladder_sum(x, x, gamma), ladder_sum(y, y, gamma), ladder_sum(x, y, gamma)) / 5


def value_of(function):
    def workload(x, y, request):
        x, y, call = jnp.asarray(x), jnp.asarray(y), jax.jit(function)
        return lambda: {"value": float(call(x, y, request.gamma))}

    return workload


def mmd2_gradient(x, y, request):
    x, y, call = jnp.asarray(x), jnp.asarray(y), jax.jit(jax.value_and_grad(mmd2))

    def work():
        value, gradient = call(x, y, request.gamma)
        return {"value": float(value), "gradient": numpy.asarray(gradient)}

    return work


def permutation_product(x, y, request):
    n, m = len(x), len(y)
    z = jnp.concatenate([jnp.asarray(x), jnp.asarray(y)])

    @jax.jit
    def statistics(key, z, gamma):
        k = gram(z, z, gamma)
        k = k - jnp.diag(jnp.diag(k))
        observed = (jnp.arange(n + m) < n).astype(z.dtype)
        keys = jax.random.split(key, request.permutations)
        permuted = jax.vmap(lambda one: jax.random.permutation(one, observed))(keys)
        membership = jnp.concatenate([observed[None], permuted]).T
        row_sums = k.sum(1)
        xx = (membership * (k @ membership)).sum(0)
        x_all = row_sums @ membership
        xy, yy = x_all - xx, row_sums.sum() - 2 * x_all + xx
        return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)

    def work():
        values = numpy.asarray(statistics(jax.random.PRNGKey(1), z, request.gamma), dtype=numpy.float64)
        return {
            "value": float(values[0]),
            "threshold": float(numpy.quantile(values, 0.95)),
            "p_value": float((values >= values[0]).mean()),
        }

    return work


if __name__ == "__main__":
    serve(
        {"name": "JAX", "version": jax.__version__},
        {
            "mmd2_unbiased": value_of(mmd2),
            "mmd2_five_bandwidths": value_of(mmd2_ladder),
            "mmd2_gradient": mmd2_gradient,
            "permutation_product": permutation_product,
        },
        compiles=True,
    )
