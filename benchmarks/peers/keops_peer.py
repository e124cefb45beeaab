"""KeOps: symbolic matrices on numpy (the value) or, where PyTorch imports too, with autograd (the gradient)."""

from serve import serve

import pykeops

try:
    import torch
except ImportError:
    torch = None
if torch:
    from pykeops.torch import LazyTensor
else:
    from pykeops.numpy import LazyTensor


def kernel_sum(a, b, function):
    squared = ((LazyTensor(a[:, None, :]) - LazyTensor(b[None, :, :])) ** 2).sum(-1)
    return function(squared).sum(axis=1).sum()


def mmd2(x, y, function, at_zero):
    n, m = len(x), len(y)
    xx = (kernel_sum(x, x, function) - n * at_zero) / (n * (n - 1))
    yy = (kernel_sum(y, y, function) - m * at_zero) / (m * (m - 1))
    return xx + yy - 2 * kernel_sum(x, y, function) / (n * m)


def prepared(x, y, request):
    if not torch:
        return x, y
    torch.set_num_threads(request.threads)
    return torch.from_numpy(x), torch.from_numpy(y)


def mmd2_unbiased(x, y, request):
    x, y = prepared(x, y, request)
    return lambda: {"value": float(mmd2(x, y, lambda s: (-request.gamma * s).exp(), 1))}


def mmd2_five_bandwidths(x, y, request):
    x, y = prepared(x, y, request)

    def ladder(squared):
        powers = [(-request.gamma / 4 * squared).exp()]
        for _ in range(4):
            powers.append(powers[-1] * powers[-1])
        return sum(powers[1:], powers[0])

    return lambda: {"value": float(mmd2(x, y, ladder, 5)) / 5}


def mmd2_gradient(x, y, request):
    x, y = prepared(x, y, request)
    x.requires_grad_(True)

    def work():
        value = mmd2(x, y, lambda s: (-request.gamma * s).exp(), 1)
        (gradient,) = torch.autograd.grad(value, x)
        return {"value": value.item(), "gradient": gradient.numpy()}

    return work


if __name__ == "__main__":
    workloads = {"mmd2_unbiased": mmd2_unbiased, "mmd2_five_bandwidths": mmd2_five_bandwidths}
    if torch:
        workloads["mmd2_gradient"] = mmd2_gradient
    serve({"name": "KeOps", "version": pykeops.__version__}, workloads, compiles=True)
