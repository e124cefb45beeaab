// Tokens and series scaled on torch tensors: the values and gradients of plain torch operations.
#include "dispar/interop/torch/series.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <vector>

#include "torch_doctest.hpp"

namespace torch_tests {
namespace {

namespace autograd = dispar::autograd;
using torch::Tensor;

Tensor numbers(std::vector<std::int64_t> sizes) { return torch::randn(sizes, torch::kDouble).requires_grad_(); }

/// The same values, and the same gradients of a sum with uneven weights.
void check_same_series(const Tensor& value, const Tensor& plain, const std::vector<Tensor>& inputs) {
  REQUIRE(value.sizes() == plain.sizes());
  CHECK(at::allclose(value, plain, 1e-11, 1e-11));
  const auto weights = torch::arange(1, value.numel() + 1, torch::kDouble).reshape(value.sizes()).sin();
  const auto got = torch::autograd::grad({(value * weights).sum()}, inputs, {}, true);
  const auto expected = torch::autograd::grad({(plain * weights).sum()}, inputs, {}, true);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(i);
    CHECK(at::allclose(got[i], expected[i], 1e-9, 1e-9));
  }
}
Tensor spread(const Tensor& x) { return (x.var(1, false, true) + 1e-8).sqrt(); }

}  // namespace

TEST_CASE("match_token_spread: the released code, of tensors of any strides") {
  torch::manual_seed(1);
  const auto raw = numbers({3, 4, 6}), like = numbers({3, 5, 4});
  const auto x = raw.transpose(1, 2);
  check_same_series(autograd::match_token_spread(x, like), x / (spread(x) / (spread(like) + 1e-8)), {raw, like});
  check_same_series(autograd::match_token_spread(x, like.detach()), x / (spread(x) / (spread(like.detach()) + 1e-8)), {raw});
  const at::NoGradGuard guard;
  CHECK_FALSE(autograd::match_token_spread(x, like).requires_grad());
}

TEST_CASE("revin: there and back, through an affine map that is trained; statistics are constants") {
  torch::manual_seed(2);
  const auto x = numbers({2, 7, 3}), w = numbers({3}), c = numbers({3});
  const auto series = autograd::revin_normalize(x, {w, c});
  const auto level = x.mean(1, true).detach(), scale = (x.var(1, false, true) + 1e-5).sqrt().detach();
  CHECK(at::allclose(series.level, level.squeeze(1), 1e-12));
  CHECK(at::allclose(series.scale, scale.squeeze(1), 1e-12));
  check_same_series(series.value, (x - level) / scale * w + c, {x, w, c});
  const auto y = numbers({2, 4, 3});
  check_same_series(autograd::revin_denormalize(y, series, {w, c}), (y - c) / (w + 1e-10) * scale + level, {y, w, c});
  check_same_series(autograd::revin_denormalize(y, series), y * scale + level, {y});
  check_same_series(autograd::revin_normalize(x).value, (x - level) / scale, {x});
}

TEST_CASE("series: what is refused") {
  const auto x = numbers({2, 4, 3});
  CHECK_THROWS_WITH_AS((void)autograd::revin_normalize(x.to(torch::kHalf)), "dispar: x must be float or double, got Half",
                       dispar::invalid_argument);
  CHECK_THROWS_AS((void)autograd::revin_normalize(x[0]), dispar::invalid_argument);
  CHECK_THROWS_AS((void)autograd::match_token_spread(x, {}), dispar::invalid_argument);
  CHECK_THROWS_AS((void)autograd::match_token_spread(x, x.slice(0, 1)), dispar::invalid_argument);
  CHECK_THROWS_AS((void)autograd::revin_denormalize(x, {}), dispar::invalid_argument);
  const auto value = autograd::match_token_spread(x, x);
  value.sum().backward();
  CHECK_THROWS_AS(value.sum().backward(), dispar::invalid_argument);
  const auto first = torch::autograd::grad({autograd::match_token_spread(x, x).sum()}, {x}, {}, true, true)[0];
  CHECK_THROWS_AS(first.sum().backward(), dispar::invalid_argument);
}

}  // namespace torch_tests
