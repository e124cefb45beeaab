// The most probable tokens as a torch function: the values and gradients of plain torch operations.
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include "dispar/divergence/kullback_leibler.hpp"
#include "dispar/interop/torch/rows.hpp"

#include "torch_doctest.hpp"

namespace torch_tests {

TEST_CASE("divergence of the most probable tokens: gathered and normalized") {
  namespace autograd = dispar::autograd;
  namespace divergence = dispar::divergence;
  torch::manual_seed(4);
  const auto a = torch::randn({3, 40}, torch::kDouble).requires_grad_();
  const auto b = torch::randn({3, 40}, torch::kDouble).requires_grad_();
  const auto best = std::get<1>(a.detach().topk(6));
  const auto log_p = a.gather(-1, best).log_softmax(-1), log_q = b.gather(-1, best).log_softmax(-1);
  const auto plain = (log_p.exp() * (log_p - log_q)).sum(-1).mean();
  const auto value = autograd::divergence(a, b, divergence::top_k{divergence::kullback_leibler{}, 6});
  CHECK(at::allclose(value, plain, 1e-11, 1e-12));
  const auto got = torch::autograd::grad({value}, {a, b}), expected = torch::autograd::grad({plain}, {a, b});
  for (std::size_t i = 0; i < 2; ++i) CHECK(at::allclose(got[i], expected[i], 1e-9, 1e-11));
}

}  // namespace torch_tests
