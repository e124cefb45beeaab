// Losses of the statistics of embeddings as torch functions: the values and gradients of plain torch operations.
#include "dispar/interop/torch/contrastive_statistics.hpp"

#include "dispar/kernels/gaussian.hpp"

#include "same_loss.hpp"

namespace torch_tests {
namespace {

namespace autograd = dispar::autograd;
using torch::Tensor;

Tensor centred(const Tensor& x) { return x - x.mean(0, true); }
Tensor covariance(const Tensor& x) { return centred(x).t().mm(centred(x)) / (x.size(0) - 1); }
Tensor off_diagonal(const Tensor& c) { return c.square().sum() - c.diag().square().sum(); }

}  // namespace

TEST_CASE("barlow_twins: correlations of standardised features") {
  torch::manual_seed(1);
  const auto raw = embeddings(7, 30), y = embeddings(30, 7);
  const auto x = raw.t();
  const auto standard = [](const Tensor& z) { return centred(z) / (z.var(0, false, true) + 1e-5).sqrt(); };
  const auto c = standard(x).t().mm(standard(y)) / 30;
  check_same_loss(autograd::barlow_twins(x, y, {.lambda = 0.1}), (c.diag() - 1).square().sum() + 0.1 * off_diagonal(c), {raw, y});
}

TEST_CASE("vicreg: its three parts") {
  torch::manual_seed(2);
  const auto x = embeddings(20, 6), y = embeddings(20, 6);
  const auto variance = [](const Tensor& z) { return (1 - (z.var(0, true, false) + 1e-4).sqrt()).clamp_min(0).mean() / 2; };
  const auto parts = 25 * (x - y).square().mean() + 25 * (variance(x) + variance(y)) +
                     (off_diagonal(covariance(x)) + off_diagonal(covariance(y))) / 6;
  check_same_loss(autograd::vicreg(x, y), parts, {x, y});
}

TEST_CASE("coral: covariances of two samples of different sizes, of one a gradient") {
  torch::manual_seed(3);
  const auto source = embeddings(25, 4), target = embeddings(16, 4);
  check_same_loss(autograd::coral(source, target), (covariance(source) - covariance(target)).square().sum() / 64,
                  {source, target});
  check_same_loss(autograd::coral(source, target.detach()),
                  (covariance(source) - covariance(target.detach())).square().sum() / 64, {source});
}

TEST_CASE("hsic and cka: traces of centred Gram matrices") {
  torch::manual_seed(4);
  const auto x = embeddings(18, 5), y = embeddings(18, 3);
  const auto centre = torch::eye(18, torch::kDouble) - torch::full({18, 18}, 1.0 / 18, torch::kDouble);
  const auto gaussian_gram = [](const Tensor& z, double sigma) {
    return ((z.unsqueeze(1) - z.unsqueeze(0)).square().sum(-1) / (-2 * sigma * sigma)).exp();
  };
  const auto dependence = [&](const Tensor& k, const Tensor& l) {
    return centre.mm(k).mm(centre).mul(centre.mm(l).mm(centre)).sum();
  };
  const auto k = gaussian_gram(x, 2), l = gaussian_gram(y, 1);
  check_same_loss(autograd::hsic(x, y, dispar::gaussian{2}, dispar::gaussian{1}), dependence(k, l) / (17 * 17), {x, y});
  const auto p = x.mm(x.t()), q = y.mm(y.t());
  const dispar::identity<dispar::dot> linear;
  check_same_loss(autograd::cka(x, y, linear, linear), dependence(p, q) / (dependence(p, p) * dependence(q, q)).sqrt(), {x, y});
}

}  // namespace torch_tests
