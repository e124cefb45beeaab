// A loss against the same in plain torch operations.
#pragma once

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <vector>

#include "torch_doctest.hpp"

namespace torch_tests {

/// The same value, and the same gradients of three times of it.
inline void check_same_loss(const torch::Tensor& value, const torch::Tensor& plain, const std::vector<torch::Tensor>& inputs,
                            double tolerance = 1e-10) {
  REQUIRE(value.dim() == 0);
  REQUIRE((value.scalar_type() == plain.scalar_type()));
  CHECK(at::allclose(value, plain, tolerance, tolerance));
  // Kept: plain tensors share parts of their graph.
  const auto got = torch::autograd::grad({3 * value}, inputs, {}, true);
  const auto expected = torch::autograd::grad({3 * plain}, inputs, {}, true);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(i);
    CHECK(got[i].sizes() == inputs[i].sizes());
    CHECK(at::allclose(got[i], expected[i], 100 * tolerance, 10 * tolerance));
  }
}

/// Random embeddings that require a gradient.
inline torch::Tensor embeddings(std::int64_t n, std::int64_t d, torch::ScalarType type = torch::kDouble) {
  return torch::randn({n, d}, type).requires_grad_();
}
/// A trained number.
inline torch::Tensor trained(double value, torch::ScalarType type = torch::kDouble) {
  return torch::tensor(value, type).requires_grad_();
}
/// Rows of length 1.
inline torch::Tensor unit(const torch::Tensor& x) { return x / x.norm(2, -1, true).clamp_min(1e-12); }

}  // namespace torch_tests
