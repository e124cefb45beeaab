// Divergences, entropy and cross-entropy with labels as torch functions: the values and gradients of plain torch operations.
#include "dispar/interop/torch/rows.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <vector>

#include "dispar/divergence/jensen_shannon.hpp"
#include "dispar/interop/torch/device_call.hpp"

#include "torch_doctest.hpp"

namespace torch_tests {
namespace {

namespace autograd = dispar::autograd;
namespace divergence = dispar::divergence;
using autograd::reduction;
using torch::Tensor;

Tensor plain_jensen_shannon(const Tensor& a, const Tensor& b) {
  const auto p = a.softmax(-1), q = b.softmax(-1), m = (p + q) / 2;
  return ((p * (p.log() - m.log())).sum(-1) + (q * (q.log() - m.log())).sum(-1)) / 2;
}
Tensor plain_cross_entropy(const Tensor& a, const Tensor& labels, double smoothing) {
  const auto log_p = a.log_softmax(-1);
  const auto of_labels = log_p.gather(-1, labels.clamp_min(0).unsqueeze(-1)).squeeze(-1);
  return at::where(labels.eq(-100), at::zeros_like(of_labels), -((1 - smoothing) * of_labels + smoothing * log_p.mean(-1)));
}

/// The same values, and the same gradients of a weighted sum of them.
void check_same(const Tensor& value, const Tensor& plain, const std::vector<Tensor>& inputs) {
  REQUIRE(value.sizes() == plain.sizes());
  REQUIRE((value.scalar_type() == plain.scalar_type()));
  CHECK(at::allclose(value, plain, 1e-11, 1e-12));
  const auto weights = at::arange(1, value.numel() + 1, value.options()).reshape(value.sizes());
  const auto got = torch::autograd::grad({(value * weights).sum()}, inputs);
  const auto expected = torch::autograd::grad({(plain * weights).sum()}, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) CHECK(at::allclose(got[i], expected[i], 1e-9, 1e-11));
}

}  // namespace

TEST_CASE("divergence of rows: mean and all, both gradients, tensors of any dimensions and strides") {
  torch::manual_seed(1);
  const auto a = torch::randn({2, 37, 5}, torch::kDouble).requires_grad_(),
             b = torch::randn({2, 5, 37}, torch::kDouble).requires_grad_();
  const auto x = a.transpose(1, 2);  // no matrix in memory
  const divergence::jensen_shannon f;
  check_same(autograd::divergence(x, b, f, {.reduce = reduction::rows}), plain_jensen_shannon(x, b), {a, b});
  check_same(autograd::divergence(x, b, f), plain_jensen_shannon(x, b).mean(), {a, b});
  check_same(autograd::divergence(x[0], b[1], f, {.in = divergence::unit::bits}),
             plain_jensen_shannon(x[0], b[1]).mean() / std::log(2.0), {a, b});
  const auto in_float = autograd::divergence(x.to(torch::kFloat), b.detach().to(torch::kFloat), f);
  CHECK((in_float.scalar_type() == torch::kFloat));
  CHECK(at::allclose(in_float.to(torch::kDouble), plain_jensen_shannon(x, b).mean(), 1e-5));
  const at::NoGradGuard guard;
  CHECK_FALSE(autograd::divergence(x, b, f).requires_grad());
}

TEST_CASE("entropy of rows, under a mask and with lengths") {
  torch::manual_seed(2);
  const auto a = torch::randn({4, 9}, torch::kDouble).requires_grad_();
  const auto mask = torch::tensor({1, 0, 1, 1, 1, 0, 1, 1, 0}, torch::kByte).to(torch::kBool);
  const auto plain = [](const Tensor& p) { return -(p * p.clamp_min(1e-300).log()).sum(-1); };
  const auto excluded = a.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
  check_same(autograd::entropy(a, {.reduce = reduction::rows, .mask = mask}), plain(excluded.softmax(-1)), {a});
  const auto lengths = torch::full({4}, 3, torch::kLong);
  check_same(autograd::entropy(a, {.lengths = lengths}), plain(a.slice(1, 0, 3).softmax(-1)).mean(), {a});
}

TEST_CASE("label_cross_entropy: torch's, ignored rows and smoothing included") {
  torch::manual_seed(3);
  const auto a = torch::randn({2, 3, 11}, torch::kDouble).requires_grad_();
  const auto labels = torch::tensor({3, -100, 10, 0, 7, -100}, torch::kLong).reshape({2, 3});
  for (const double e : {0.0, 0.1}) {
    const auto plain = plain_cross_entropy(a, labels, e);
    check_same(autograd::label_cross_entropy(a, labels, {.reduce = reduction::rows, .label_smoothing = e}), plain, {a});
    check_same(autograd::label_cross_entropy(a, labels, {.label_smoothing = e}), plain_cross_entropy(a, labels, e).sum() / 4,
               {a});
  }
  const auto wrong = at::full_like(labels, 11);
  CHECK(autograd::label_cross_entropy(a, wrong).isnan().item<bool>());
}

TEST_CASE("functions of rows: what is refused, and by which name a CUDA tensor asks") {
  const auto a = torch::randn({2, 5}, torch::kDouble);
  const divergence::jensen_shannon f;
  const auto refused = [](const auto& call, const char* message) {
    CHECK_THROWS_WITH_AS((void)call(), message, dispar::invalid_argument);
  };
  refused(
      [&] {
        return autograd::divergence(a, torch::randn({2, 4}, torch::kDouble), f);
      },
      "dispar: b must have the shape of the first, got [2, 4]");
  refused([&] { return autograd::divergence(a, a.to(torch::kFloat), f); },
          "dispar: b must have the type of the first, got Float");
  refused([&] { return autograd::entropy(a.to(torch::kHalf)); }, "dispar: a must be float or double, got Half");
  refused([&] { return autograd::entropy(Tensor()); }, "dispar: a must be defined, got an undefined tensor");
  refused([&] { return autograd::entropy(a, {.mask = torch::ones({3}, torch::kBool)}); },
          "dispar: mask must expand to the shape of the logits, got [3]");
  refused([&] { return autograd::entropy(a, {.lengths = torch::ones({3}, torch::kLong)}); },
          "dispar: lengths must have one element per row, got 3");
  refused([&] { return autograd::label_cross_entropy(a, torch::ones({2})); }, "dispar: labels must be int64, got Float");
  // As tests/interop/gpu/gpu_row_entry.cu names it, in another inline namespace.
  CHECK(autograd::detail::device_function_name<autograd::divergence_loss<divergence::jensen_shannon>, float>().ends_with(
      ": dispar::autograd::divergence_loss<dispar::divergence::jensen_shannon> (16 bytes) on float"));
}

}  // namespace torch_tests
