"""PyTorch: the expressions that people write.

    torch_peer.py [--compile] [--device cuda] [--tf32]

`--compile` passes them through torch.compile; `--tf32` lets products round their factors to TF32.
"""

import argparse
import sys
import time

from serve import HostMeter, serve

import torch

parser = argparse.ArgumentParser()
parser.add_argument("--compile", action="store_true")
parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
parser.add_argument("--tf32", action="store_true")
OPTIONS = parser.parse_args()
COMPILE, DEVICE = OPTIONS.compile, OPTIONS.device
if DEVICE == "cuda" and not torch.cuda.is_available():
    sys.exit(f"torch_peer.py: no GPU: PyTorch {torch.__version__} finds no CUDA device")
torch.backends.cuda.matmul.allow_tf32 = OPTIONS.tf32
# A block of rows against 100000 columns: 1.6 GB in float on a GPU.
BLOCK_ROWS = 4000 if DEVICE == "cuda" else 512


class CudaMeter:
    """Memory by PyTorch's allocator; time until the device is done."""

    @staticmethod
    def peak_extra_mb(work):
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return 1e-6 * (torch.cuda.max_memory_allocated() - before)

    @staticmethod
    def timed(work):
        torch.cuda.synchronize()

        def finished():
            result = work()
            torch.cuda.synchronize()
            return result

        return HostMeter.timed(finished)


def compiled(function):
    return torch.compile(function, dynamic=False) if COMPILE else function


def gram(x, y, gamma):
    squared = (x * x).sum(1)[:, None] + (y * y).sum(1)[None, :] - 2 * (x @ y.T)
    return torch.exp(-gamma * squared.clamp_min(0))


def unbiased(xx, yy, xy):
    n, m = len(xx), len(yy)
    return (xx.sum() - xx.trace()) / (n * (n - 1)) + (yy.sum() - yy.trace()) / (m * (m - 1)) - 2 * xy.mean()


def mmd2(x, y, gamma):
    return unbiased(gram(x, x, gamma), gram(y, y, gamma), gram(x, y, gamma))


def ladder_sum(x, y, gamma):
    """Sum of the five Grams gamma / 4 ... 4 gamma: one exponential, then squarings, as a careful user would write it."""
    power = gram(x, y, gamma / 4)
    total = power.clone()
    for _ in range(4):
        power = power * power
        total += power
    return total


def mmd2_ladder(x, y, gamma):
    return unbiased(ladder_sum(x, x, gamma), ladder_sum(y, y, gamma), ladder_sum(x, y, gamma)) / 5


def tensors(x, y, request):
    torch.set_num_threads(request.threads)
    return torch.from_numpy(x).to(DEVICE), torch.from_numpy(y).to(DEVICE)


def without_gradient(function):
    def workload(x, y, request):
        x, y = tensors(x, y, request)
        call = compiled(function)

        def work():
            with torch.no_grad():
                return {"value": call(x, y, request.gamma).item()}

        return work

    return workload


def from_sums(xx, yy, xy, n, m):
    """The value from sums over whole Grams, whose diagonals are 1."""
    return (xx - n) / (n * (n - 1)) + (yy - m) / (m * (m - 1)) - 2 * xy / (n * m)


def mmd2_chunked(x, y, request, rows=BLOCK_ROWS):
    """Row blocks with every elementwise step in place: what a user does whose Gram matrix does not fit."""
    x, y = tensors(x, y, request)

    def kernel_sum(a, b, gamma):
        b_norms, sums = (b * b).sum(1)[None, :], []
        for block in a.split(rows):
            squared = torch.addmm(b_norms, block, b.T, alpha=-2)
            squared.add_((block * block).sum(1)[:, None]).clamp_min_(0)
            sums.append(squared.mul_(-gamma).exp_().sum(dtype=torch.float64))
        return torch.stack(sums).sum().item()

    def work():
        n, m = len(x), len(y)
        with torch.no_grad():
            xx, yy, xy = (kernel_sum(a, b, request.gamma) for a, b in ((x, x), (y, y), (x, y)))
        return {"value": from_sums(xx, yy, xy, n, m)}

    return work


def block_sum(block, b, gamma):
    return gram(block, b, gamma).sum(dtype=torch.float64)


def mmd2_blocks(x, y, request, rows=BLOCK_ROWS, dtype=torch.float32):
    """Row blocks of the plain expression; torch.compile fuses everything but the product."""
    x, y = (sample.to(dtype) for sample in tensors(x, y, request))
    call = compiled(block_sum)

    def work():
        with torch.no_grad():
            xx, yy, xy = (
                torch.stack([call(block, b, request.gamma) for block in a.split(rows)]).sum().item()
                for a, b in ((x, x), (y, y), (x, y))
            )
        return {"value": from_sums(xx, yy, xy, len(x), len(y))}

    return work


def mmd2_float64(x, y, request):
    """What the value should be, where a processor takes too long to say."""
    return mmd2_blocks(x, y, request, dtype=torch.float64)


def jensen_shannon_rows(a, b):
    """As people write it from logits: with logarithms of softmax, none of a quotient."""
    log_p, log_q = torch.log_softmax(a, 1), torch.log_softmax(b, 1)
    p, q = log_p.exp(), log_q.exp()
    log_m = (0.5 * (p + q)).log()
    return 0.5 * (p * (log_p - log_m) + q * (log_q - log_m)).sum(1)


def jensen_shannon(a, b, _):
    return jensen_shannon_rows(a, b).mean()


def sequence_logps(a, _, __):
    """As DPO's code has it: log_softmax, gather, a mean over the tokens of eight sequences; then over sequences."""
    b, v = a.shape
    labels = (7919 * torch.arange(b, device=a.device) % v).view(8, -1)
    return torch.gather(a.view(8, -1, v).log_softmax(-1), 2, labels.unsqueeze(2)).squeeze(2).mean(-1).mean()


def adacad(x, y, request):
    """One step of AdaCAD: weights, and the merged logits in the place of a gradient."""
    x, y = tensors(x, y, request)

    def step(with_context, without_context):
        alpha = jensen_shannon_rows(with_context, without_context)[:, None]
        return alpha, (1 + alpha) * with_context - alpha * without_context

    call = compiled(step)

    def work():
        with torch.no_grad():
            alpha, merged = call(x, y)
            return {"value": alpha.mean().item(), "gradient": merged.cpu().numpy()}

    return work


def sample(keep):
    """One token per row: what the filter keeps, its softmax, and the token at which half of that is reached. (`multinomial` in
    its place takes longer.)"""

    def workload(x, y, request):
        x, _ = tensors(x, y, request)

        def work():
            with torch.no_grad():
                p = torch.softmax(keep(x), 1)
                running = p.cumsum(1)
                tokens = torch.searchsorted(running, running[:, -1:] / 2, right=True)
                return {"value": tokens.double().mean().item() / x.shape[1]}

        return work

    return workload


def keep_top_k(x, k=50):
    """By sorting."""
    ordered, order = torch.sort(x, 1, descending=True)
    ordered[:, k:] = -torch.inf
    return torch.empty_like(x).scatter_(1, order, ordered)


def keep_top_k_by_topk(x, k=50):
    """As the transformers library: what is below the k-th value goes."""
    return x.masked_fill(x < torch.topk(x, k, 1).values[:, -1:], -torch.inf)


def keep_top_p(x, share=0.95):
    """As the transformers library: sorted, by the running sum of probabilities."""
    ordered, order = torch.sort(x, 1, descending=True)
    p = torch.softmax(ordered, 1)
    ordered = ordered.masked_fill(p.cumsum(1) - p >= share, -torch.inf)
    return torch.empty_like(x).scatter_(1, order, ordered)


def with_gradient_of_first(function):
    def workload(x, y, request):
        x, y = tensors(x, y, request)
        x.requires_grad_(True)
        call = compiled(function)

        def work():
            value = call(x, y, request.gamma)
            (gradient,) = torch.autograd.grad(value, x)
            return {"value": value.item(), "gradient": gradient.cpu().numpy()}

        return work

    return workload


def symmetric_infonce(x, y, _):
    """CLIP's loss, as people write it."""
    z = torch.nn.functional.normalize(x) @ torch.nn.functional.normalize(y).T / 0.07
    labels = torch.arange(len(x), device=DEVICE)
    return (torch.nn.functional.cross_entropy(z, labels) + torch.nn.functional.cross_entropy(z.T, labels)) / 2


def same_class(x):
    """Which rows are of one class: `reference.classes`."""
    label = torch.arange(len(x), device=DEVICE) % (len(x) // 4)
    return label[:, None] == label


def supcon(x, _y, _gamma):
    """The supervised contrastive loss, as people write it."""
    u = torch.nn.functional.normalize(x)
    itself = torch.eye(len(x), dtype=torch.bool, device=DEVICE)
    z = (u @ u.T / 0.1).masked_fill(itself, -torch.inf)
    positive = same_class(x) & ~itself
    log_p = z - torch.logsumexp(z, 1, keepdim=True)
    return -(log_p.masked_fill(~positive, 0).sum(1) / positive.sum(1)).mean()


def triplet(x, _y, _gamma):
    """The batch-hard triplet loss, as people write it."""
    u = torch.nn.functional.normalize(x)
    d, same = (2 - 2 * u @ u.T).clamp_min(1e-12).sqrt(), same_class(x)
    farthest, nearest = d.masked_fill(~same, -torch.inf).amax(1), d.masked_fill(same, torch.inf).amin(1)
    return torch.relu(farthest - nearest + 0.3).mean()


def with_gradient_of_both(function):
    def workload(x, y, request):
        x, y = (t.requires_grad_(True) for t in tensors(x, y, request))
        call = compiled(function)

        def work():
            value = call(x, y, request.gamma)
            gradient, _ = torch.autograd.grad(value, (x, y))
            return {"value": value.item(), "gradient": gradient.cpu().numpy()}

        return work

    return workload


def permuted_statistics(k, membership, n, m):
    """MMD^2 of every column's labelling (1: first sample) from one product; k has a zero diagonal."""
    with_first = k @ membership
    row_sums = k.sum(1)
    xx = (membership * with_first).sum(0)
    x_all = row_sums @ membership
    total = row_sums.sum()
    xy = x_all - xx
    yy = total - 2 * x_all + xx
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)


def decision(statistics):
    """Statistic of the observed labelling (the first), p-value and 95 % threshold over all of them."""
    values = torch.sort(statistics.double()).values
    observed = statistics[0].item()
    at_least = (values >= observed).sum().item()
    return {
        "value": observed,
        "threshold": torch.quantile(values, 0.95).item(),
        "p_value": at_least / len(values),
    }


def permutation_product(x, y, request):
    """All permutations at once: the stored Gram times a matrix of labels (MMDAgg's way, here with one product of three)."""
    x, y = tensors(x, y, request)

    def statistics(z, membership, gamma):
        k = gram(z, z, gamma)
        k.fill_diagonal_(0)
        return permuted_statistics(k, membership, len(x), len(y))

    call = compiled(statistics)

    def work():
        torch.manual_seed(1)
        with torch.no_grad():
            z = torch.cat([x, y])
            # Drawing is part of the work. randperm is the fastest way here: one argsort of random keys takes six times as long.
            labels = torch.zeros(request.permutations + 1, len(z), device=DEVICE)
            labels[0, : len(x)] = 1
            for row in labels[1:]:
                row[torch.randperm(len(z), device=DEVICE)[: len(x)]] = 1
            return decision(call(z, labels.T, request.gamma))

    return work


def permutation_index(x, y, request, measured=20):
    """Permutes the stored Gram by indexing, once per permutation (alibi-detect's way). `measured` permutations are run
    and their time is scaled to all."""
    x, y = tensors(x, y, request)
    n, m = len(x), len(y)

    def statistic(k):
        return k[:n, :n].sum() / (n * (n - 1)) + k[n:, n:].sum() / (m * (m - 1)) - 2 * k[:n, n:].mean()

    def work():
        torch.manual_seed(1)
        with torch.no_grad():
            z = torch.cat([x, y])
            k = gram(z, z, request.gamma)
            k.fill_diagonal_(0)
            values = [statistic(k).item()]
            count = min(measured, request.permutations)
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(count):
                order = torch.randperm(len(z), device=DEVICE)
                values.append(statistic(k[order][:, order]).item())
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        rest = request.permutations / count - 1
        return {
            "value": values[0],
            "measured_permutations": count,
            "unmeasured_ms": 1e3 * wall * rest,
            "unmeasured_cpu_ms": 1e3 * cpu * rest,
        }

    return work


EAGER = {
    "top_k_sample": sample(keep_top_k),
    "top_k_sample_topk": sample(keep_top_k_by_topk),
    "top_p_sample": sample(keep_top_p),
    "mmd2_chunked": mmd2_chunked,
    "mmd2_float64": mmd2_float64,
    "permutation_index": permutation_index,
}

if __name__ == "__main__":
    serve(
        {
            "name": "PyTorch" + (" torch.compile" if COMPILE else ""),
            "version": torch.__version__,
            **({"device": torch.cuda.get_device_name()} if DEVICE == "cuda" else {}),
        },
        {
            "mmd2_unbiased": without_gradient(mmd2),
            "mmd2_blocks": mmd2_blocks,
            "mmd2_five_bandwidths": without_gradient(mmd2_ladder),
            "mmd2_gradient": with_gradient_of_first(mmd2),
            "jsd_rows": without_gradient(jensen_shannon),
            "jsd_rows_gradient": with_gradient_of_first(jensen_shannon),
            "infonce_gradient": with_gradient_of_both(symmetric_infonce),
            "supcon_gradient": with_gradient_of_first(supcon),
            "triplet_gradient": with_gradient_of_first(triplet),
            "sequence_logps_gradient": with_gradient_of_first(sequence_logps),
            "adacad_step": adacad,
            "permutation_product": permutation_product,
            **({} if COMPILE else EAGER),
        },
        compiles=COMPILE,
        meter=CudaMeter if DEVICE == "cuda" else HostMeter,
    )
