// Preference losses as torch functions: the values and gradients of plain torch operations, and central differences.
#include "dispar/interop/torch/preference.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <vector>

#include "torch_doctest.hpp"

namespace torch_tests {
namespace {

namespace autograd = dispar::autograd;
namespace preference = dispar::preference;
using torch::Tensor;

/// The same values, and the same gradients of a weighted sum of them.
void check_same_losses(const Tensor& value, const Tensor& plain, const std::vector<Tensor>& inputs) {
  REQUIRE(value.sizes() == plain.sizes());
  CHECK(at::allclose(value, plain, 1e-11, 1e-12));
  const auto weights = at::arange(1, value.numel() + 1, value.options()).reshape(value.sizes());
  // Kept: the plain tensors share parts of their graph.
  const auto got = torch::autograd::grad({(value * weights).sum()}, inputs, {}, true);
  const auto expected = torch::autograd::grad({(plain * weights).sum()}, inputs, {}, true);
  for (std::size_t i = 0; i < inputs.size(); ++i) CHECK(at::allclose(got[i], expected[i], 1e-9, 1e-11));
}

Tensor numbers(std::vector<std::int64_t> sizes) { return torch::randn(sizes, torch::kDouble).requires_grad_(); }

}  // namespace

TEST_CASE("sequence_logps and unlikelihood: log_softmax, gather, mask and sum, of a tensor of any strides") {
  torch::manual_seed(1);
  const auto raw = numbers({3, 11, 6});
  const auto logits = raw.transpose(1, 2);
  auto labels = torch::randint(0, 11, {3, 6}, torch::kLong);
  labels.slice(1, 0, 2).fill_(-100);
  const auto next = labels.slice(1, 1), counts = next.ne(-100);
  const auto logps = logits.slice(1, 0, 5).log_softmax(-1).gather(-1, next.clamp_min(0).unsqueeze(-1)).squeeze(-1) * counts;
  check_same_losses(autograd::sequence_logps(logits, labels), logps.sum(-1), {raw});
  check_same_losses(autograd::sequence_logps(logits, labels, {.reduce = preference::over_tokens::mean}),
                    logps.sum(-1) / counts.sum(-1), {raw});
  check_same_losses(autograd::unlikelihood(logits, labels), -(-logps.exp() * counts).log1p().sum(-1) / counts.sum(-1), {raw});
  const auto in_float = autograd::sequence_logps(logits.to(torch::kFloat), labels);
  CHECK((in_float.scalar_type() == torch::kFloat));
  CHECK(at::allclose(in_float.to(torch::kDouble), logps.sum(-1), 1e-5));
  const at::NoGradGuard guard;
  CHECK_FALSE(autograd::sequence_logps(logits, labels).requires_grad());
}

TEST_CASE("preference_losses: DPO, IPO, NPO of pairs, D2O of groups, SimPO by the number of tokens") {
  torch::manual_seed(2);
  const auto w = numbers({4}), l = numbers({4}), rw = numbers({4}), rl = numbers({4}), self = numbers({4, 3}),
             rs = numbers({4, 3});
  const auto h = (w - rw) - (l - rl);
  const auto softplus = [](const Tensor& x) { return x.exp().log1p(); };
  check_same_losses(autograd::preference_losses(preference::dpo{.beta = 0.3}, {w, l, rw, rl}), softplus(-0.3 * h),
                    {w, l, rw, rl});
  check_same_losses(autograd::preference_losses(preference::ipo{.beta = 0.3}, {w, l, rw, rl}), (h - 1 / 0.6).square(),
                    {w, l, rl});
  check_same_losses(autograd::preference_losses(preference::npo{.beta = 0.3}, {{}, l, {}, rl}),
                    softplus(0.3 * (l - rl)) * (2 / 0.3), {l, rl});
  check_same_losses(autograd::preference_losses(preference::d2o{.alpha = 0.2, .beta = 0.3}, {self, l, rs, rl}),
                    softplus(0.2 * (l - rl) - 0.3 * (self - rs).mean(-1)), {self, l, rs, rl});
  const auto three = torch::full({4}, 3.0, torch::kDouble), two = torch::full({4}, 2.0, torch::kDouble);
  check_same_losses(autograd::preference_losses(preference::simpo{}, {w, l, {}, {}, three, two}), softplus(l - 2 * w / 3 + 1),
                    {w, l});
}

TEST_CASE("intro: the objective with constant factors; D2O from logits by central differences") {
  torch::manual_seed(3);
  const auto forward = numbers({3, 4, 7});
  const auto posterior = torch::randn({3, 4, 7}, torch::kDouble);
  const auto candidates = torch::randint(0, 7, {3, 4, 5}, torch::kLong);
  const auto lengths = torch::tensor({4, 2, 3}, torch::kLong);
  const auto weights = torch::tensor({1.0, 0.0, 1.0}, torch::kDouble);
  const auto p = forward.log_softmax(-1).gather(-1, candidates), q = posterior.log_softmax(-1).gather(-1, candidates);
  const auto counts = at::arange(4, torch::kLong).unsqueeze(0).lt(lengths.unsqueeze(1)).unsqueeze(-1);
  const auto objective = ((q - p.detach()).exp().clamp_max(1.5) * p * counts).sum({1, 2}) / lengths / 5;
  check_same_losses(autograd::intro(forward, posterior, candidates, {.clip = 1.5, .lengths = lengths, .weights = weights}),
                    -(objective * weights).sum() / 2, {forward});

  const auto labels = torch::randint(0, 7, {3, 4}, torch::kLong);  // two of the model's own answers, then a rejected one
  const auto loss = [&] {
    const auto logps = autograd::sequence_logps(forward, labels);
    return autograd::preference_losses(preference::d2o{}, {logps.slice(0, 0, 2).unsqueeze(0), logps.slice(0, 2)}).mean();
  };
  const auto gradient = torch::autograd::grad({loss()}, {forward})[0].reshape(-1);
  const at::NoGradGuard guard;
  auto elements = forward.view(-1);
  double most = 0;
  for (std::int64_t i = 0; i < elements.numel(); i += 5) {
    const double at = elements[i].item<double>();
    elements[i] = at + 1e-5;
    const double above = loss().item<double>();
    elements[i] = at - 1e-5;
    most = std::max(most, std::abs((above - loss().item<double>()) / 2e-5 - gradient[i].item<double>()));
    elements[i] = at;
  }
  CHECK(most < 1e-9);
}

TEST_CASE("preference functions refuse what they cannot view") {
  const auto logits = torch::zeros({2, 3, 5});
  CHECK_THROWS_WITH_AS((void)autograd::sequence_logps(logits, torch::zeros({2, 3})), "dispar: labels must be int64, got Float",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)autograd::sequence_logps(logits.to(torch::kHalf), torch::zeros({2, 3}, torch::kLong)),
                       "dispar: logits must be float or double, got Half", dispar::invalid_argument);
}

}  // namespace torch_tests
