// A network, a kernel and Adam: training with dispar's loss is training with the same loss in plain torch operations.

#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>

#include <functional>
#include <vector>

#include "dispar/interop/torch/mmd.hpp"
#include "dispar/kernels/deep.hpp"
#include "plain_mmd.hpp"

#include "torch_doctest.hpp"

namespace torch_tests {
namespace {

struct model {
  torch::nn::Linear features{nullptr};
  torch::Tensor s, s0, e;

  model() {
    torch::manual_seed(3);
    features = torch::nn::Linear(6, 4);
    features->to(torch::kDouble);
    s = torch::tensor(2.0, torch::kDouble).requires_grad_();
    s0 = torch::tensor(1.0, torch::kDouble).requires_grad_();
    e = torch::tensor(0.2, torch::kDouble).requires_grad_();
  }
  [[nodiscard]] std::vector<torch::Tensor> parameters() const {
    auto all = features->parameters();
    all.insert(all.end(), {s, s0, e});
    return all;
  }
};

using objective = std::function<torch::Tensor(model&, const torch::Tensor&, const torch::Tensor&)>;

// The loss of every step, and the parameters at the end.
std::vector<double> train(model& m, const objective& j, int steps) {
  torch::optim::Adam adam(m.parameters(), torch::optim::AdamOptions(0.02));
  torch::manual_seed(4);
  const auto x = torch::randn({30, 6}, torch::kDouble), y = torch::randn({30, 6}, torch::kDouble) * 1.4;
  std::vector<double> losses;
  for (int step = 0; step < steps; ++step) {
    adam.zero_grad();
    const auto loss = -j(m, x, y);
    loss.backward();
    adam.step();
    losses.push_back(loss.item<double>());
  }
  return losses;
}

}  // namespace

TEST_CASE("Adam takes the same steps with plain torch operations") {
  model ours, plain;
  const dispar::mmd::criterion_options o{.yy = 0, .lambda = 1e-8};
  const auto a = train(
      ours,
      [&](model& m, const torch::Tensor& x, const torch::Tensor& y) {
        const dispar::autograd::trainable<dispar::deep_kernel<>> kernel{m.s, m.s0, m.e};
        return dispar::autograd::mmd_criterion({m.features(x), x}, {m.features(y), y}, kernel, o).value;
      },
      12);
  const auto b = train(
      plain,
      [&](model& m, const torch::Tensor& x, const torch::Tensor& y) {
        return plain_criterion(torch::cat({m.features(x), x}, 1), torch::cat({m.features(y), y}, 1),
                               plain_deep_kernel{m.s, m.s0, m.e, 4}, o);
      },
      12);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-9));
  CHECK(a.back() < a.front());
  for (std::size_t i = 0; i < ours.parameters().size(); ++i)
    CHECK(torch::allclose(ours.parameters()[i], plain.parameters()[i], 1e-8, 1e-10));
}

}  // namespace torch_tests
