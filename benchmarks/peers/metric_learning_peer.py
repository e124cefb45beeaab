"""pytorch-metric-learning: its losses with labels."""

from serve import serve

import pytorch_metric_learning
import torch
from pytorch_metric_learning import losses, miners, reducers


def with_gradient(loss, miner=None):
    def workload(x, _, request):
        torch.set_num_threads(request.threads)
        rows = torch.from_numpy(x).requires_grad_(True)
        labels = torch.arange(len(x)) % (len(x) // 4)

        def work():
            value = loss(rows, labels, miner and miner(rows, labels))
            (gradient,) = torch.autograd.grad(value, rows)
            return {"value": value.item(), "gradient": gradient.numpy()}

        return work

    return workload


if __name__ == "__main__":
    serve(
        {"name": "pytorch-metric-learning", "version": f"{pytorch_metric_learning.__version__} with PyTorch {torch.__version__}"},
        {
            "supcon_gradient": with_gradient(losses.SupConLoss(temperature=0.1)),
            "triplet_gradient": with_gradient(
                losses.TripletMarginLoss(margin=0.3, reducer=reducers.MeanReducer()), miners.BatchHardMiner()
            ),
        },
    )
