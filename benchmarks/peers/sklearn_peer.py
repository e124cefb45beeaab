"""scikit-learn: three `rbf_kernel` matrices. Float32 input, its distances are computed in float64 chunks."""

from serve import serve

import sklearn
from sklearn.metrics.pairwise import rbf_kernel


def mmd2_unbiased(x, y, request):
    def work():
        n, m = len(x), len(y)
        sums = []
        for a, b in ((x, x), (y, y), (x, y)):
            k = rbf_kernel(a, b, gamma=request.gamma)
            sums.append(k.sum(dtype="float64") - (k.trace() if a is b else 0.0))
        xx, yy, xy = sums
        return {"value": float(xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m))}

    return work


if __name__ == "__main__":
    serve({"name": "scikit-learn", "version": sklearn.__version__}, {"mmd2_unbiased": mmd2_unbiased})
