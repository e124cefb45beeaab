"""The samples, the same for every side, and what the workloads should return, in float64."""

import numpy


def samples(n, m, d):
    """Standard normal rows; the second sample is shifted by 0.1 in every column."""
    generator = numpy.random.default_rng([n, m, d])
    x = generator.standard_normal((n, d), dtype=numpy.float32)
    y = generator.standard_normal((m, d), dtype=numpy.float32) + numpy.float32(0.1)
    return x, y


def logits(b, v):
    """Two rows x vocabulary matrices as of two language models that mostly agree: normal with standard deviation 3, and that
    plus a third of it."""
    generator = numpy.random.default_rng([b, v])
    x = 3 * generator.standard_normal((b, v), dtype=numpy.float32)
    return x, x + generator.standard_normal((b, v), dtype=numpy.float32)


def jensen_shannon(a, b, rows=16):
    """The mean over rows of JS(softmax(a_i), softmax(b_i)) in nats, and its gradient in a as float32; in blocks of rows."""
    total, gradient = 0.0, numpy.empty_like(a)
    for first in range(0, len(a), rows):
        part = slice(first, first + rows)
        p, q = (numpy.exp(z - z.max(1, keepdims=True)) for z in (a[part].astype(numpy.float64), b[part].astype(numpy.float64)))
        p /= p.sum(1, keepdims=True)
        q /= q.sum(1, keepdims=True)
        m = (p + q) / 2
        of_p, of_q = (numpy.log(z / m, where=z > 0, out=numpy.zeros_like(z)) for z in (p, q))
        total += (p * of_p + q * of_q).sum() / 2
        gradient[part] = p * (of_p - (p * of_p).sum(1, keepdims=True)) / (2 * len(a))
    return total / len(a), gradient


def targets(b, v):
    """The token that each row scores."""
    return 7919 * numpy.arange(b) % v


def sequence_logps(a, rows=16):
    """The mean over rows of log softmax(a_i) at the row's target, and its gradient in a as float32; in blocks of rows."""
    total, gradient, of_rows = 0.0, numpy.empty_like(a), targets(*a.shape)
    for first in range(0, len(a), rows):
        z, c = a[first : first + rows].astype(numpy.float64), of_rows[first : first + rows]
        e = numpy.exp(z - z.max(1, keepdims=True))
        p, at = e / e.sum(1, keepdims=True), (numpy.arange(len(c)), c)
        total += numpy.log(p[at]).sum()
        p[at] -= 1
        gradient[first : first + rows] = -p / len(a)
    return total / len(a), gradient


def views(b, d):
    """Two views of b things: normal rows, and the same with as much noise again."""
    generator = numpy.random.default_rng([b, d, 2])
    x = generator.standard_normal((b, d), dtype=numpy.float32)
    return x, x + generator.standard_normal((b, d), dtype=numpy.float32)


def symmetric_infonce(x, y, temperature, rows=512):
    """CLIP's loss and its gradient in x, in blocks of rows: log-sum-exps first."""
    x, y = x.astype(numpy.float64), y.astype(numpy.float64)
    length = numpy.linalg.norm(x, axis=1, keepdims=True)
    u, v = x / length, y / numpy.linalg.norm(y, axis=1, keepdims=True)
    n, bound = len(x), 1 / temperature  # of every logit, which is all the shift that float64 needs
    row_sums, col_sums = numpy.zeros(n), numpy.zeros(n)
    for first in range(0, n, rows):
        e = numpy.exp(u[first : first + rows] @ v.T / temperature - bound)
        row_sums[first : first + rows] = e.sum(1)
        col_sums += e.sum(0)
    matched = (u * v).sum(1) / temperature - bound
    value = (numpy.log(row_sums) + numpy.log(col_sums)).mean() / 2 - matched.mean()
    by_unit = numpy.empty_like(x)
    for first in range(0, n, rows):
        part = slice(first, first + rows)
        e = numpy.exp(u[part] @ v.T / temperature - bound)
        by_unit[part] = (e / row_sums[part, None] + e / col_sums) @ v - 2 * v[part]
    by_unit /= 2 * n * temperature
    return value, ((by_unit - u * (u * by_unit).sum(1, keepdims=True)) / length).astype(numpy.float32)


def classes(b):
    """The class of every row where a loss has labels: four rows each."""
    return numpy.arange(b) % (b // 4)


def _through_unit_rows(x, loss_of_units):
    """A loss of unit rows and its gradient by x, from the loss and its gradient by these."""
    x = x.astype(numpy.float64)
    length = numpy.linalg.norm(x, axis=1, keepdims=True)
    u = x / length
    value, by_unit = loss_of_units(u)
    return value, ((by_unit - u * (u * by_unit).sum(1, keepdims=True)) / length).astype(numpy.float32)


def supcon(x, temperature, rows=512):
    """The supervised contrastive loss L_out of x with `classes`, and its gradient, in blocks of rows."""
    label, n = classes(len(x)), len(x)

    def loss(u):
        value, by_unit = 0.0, numpy.zeros_like(u)
        for first in range(0, n, rows):
            part = slice(first, first + rows)
            z = u[part] @ u.T / temperature
            self_pairs = numpy.arange(len(z)), numpy.arange(first, first + len(z))
            positive = (label[part, None] == label).astype(numpy.float64)
            positive[self_pairs] = 0
            positive /= positive.sum(1, keepdims=True)
            e = numpy.exp(z - 1 / temperature)
            e[self_pairs] = 0
            value += (numpy.log(e.sum(1)) + 1 / temperature - (positive * z).sum(1)).sum() / n
            slope = (e / e.sum(1, keepdims=True) - positive) / (n * temperature)
            by_unit[part] += slope @ u
            by_unit += slope.T @ u[part]
        return value, by_unit

    return _through_unit_rows(x, loss)


def triplet(x, margin, rows=512):
    """The batch-hard triplet loss of unit rows of x with `classes`, and its gradient, in blocks of rows."""
    label, n = classes(len(x)), len(x)

    def loss(u):
        value, by_unit = 0.0, numpy.zeros_like(u)
        for first in range(0, n, rows):
            part = slice(first, first + rows)
            cosines, same = u[part] @ u.T, label[part, None] == label
            far = numpy.where(same, cosines, numpy.inf).argmin(1)
            near = numpy.where(same, -numpy.inf, cosines).argmax(1)
            to_far, to_near = u[part] - u[far], u[part] - u[near]
            d_far, d_near = (numpy.linalg.norm(t, axis=1, keepdims=True) for t in (to_far, to_near))
            gap = d_far - d_near + margin
            value += numpy.maximum(gap, 0).sum() / n
            by_far, by_near = ((gap > 0) / n * t / d for t, d in ((to_far, d_far), (to_near, d_near)))
            by_unit[part] += by_far - by_near
            numpy.subtract.at(by_unit, far, by_far)
            numpy.add.at(by_unit, near, by_near)
        return value, by_unit

    return _through_unit_rows(x, loss)


def adacad(a, b):
    """The weight JS(softmax(a), softmax(b)) of a single row, and the merged logits (1 + weight) a - weight b as float32."""
    weight, _ = jensen_shannon(a, b)
    return weight, ((1 + weight) * a.astype(numpy.float64) - weight * b.astype(numpy.float64)).astype(numpy.float32)


def drawn(logits, workload, k=50, share=0.95):
    """The mean over rows of the token, as a share of the vocabulary, at which half of what the filter kept is reached, in the
    order of token numbers."""
    tokens = []
    for row in logits.astype(numpy.float64):
        order = numpy.argsort(-row, kind="stable")
        p = numpy.exp(row - row.max())
        p /= p.sum()
        before = numpy.cumsum(p[order]) - p[order]
        kept = order[:k] if workload == "top_k_sample" else order[before < share]
        mass = numpy.zeros_like(p)
        mass[kept] = p[kept]
        running = numpy.cumsum(mass)
        tokens.append(int(numpy.searchsorted(running, running[-1] / 2, side="right")))
    return float(numpy.mean(tokens)) / logits.shape[1]


def _blocks(a, b, gammas, rows=500):
    """The mean over `gammas` of exp(-gamma |a_i - b_j|^2), in blocks of rows."""
    b_norms = (b * b).sum(1)
    for first in range(0, len(a), rows):
        part = a[first : first + rows]
        squared = (part * part).sum(1)[:, None] + b_norms - 2 * part @ b.T
        yield slice(first, first + len(part)), sum(numpy.exp(-g * squared) for g in gammas) / len(gammas)


def value(x, y, gammas):
    """Unbiased MMD^2 of the mean of Gaussian kernels."""
    x, y = x.astype(numpy.float64), y.astype(numpy.float64)
    n, m = len(x), len(y)
    xx, yy, xy = (sum(k.sum() for _, k in _blocks(a, b, gammas)) for a, b in ((x, x), (y, y), (x, y)))
    return (xx - n) / (n * (n - 1)) + (yy - m) / (m * (m - 1)) - 2 * xy / (n * m)


def gradient(x, y, gamma):
    """Its gradient in x for one kernel: sums of -2 gamma (x_i - z_j) k(x_i, z_j)."""
    x, y = x.astype(numpy.float64), y.astype(numpy.float64)
    n, m = len(x), len(y)
    result = numpy.zeros_like(x)
    for z, factor in ((x, 2 / (n * (n - 1))), (y, -2 / (n * m))):
        for rows, k in _blocks(x, z, [gamma]):
            result[rows] += factor * -2 * gamma * (x[rows] * k.sum(1)[:, None] - k @ z)
    return result


def bandwidths(workload, gamma):
    """The gammas of a workload's kernel."""
    return [gamma / 4, gamma / 2, gamma, 2 * gamma, 4 * gamma] if workload == "mmd2_five_bandwidths" else [gamma]
