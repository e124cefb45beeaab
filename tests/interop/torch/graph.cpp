// How losses live in torch's graph: what is computed for whom, upstream derivatives, what is refused, memory, threads.

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "dispar/interop/torch/mmd.hpp"
#include "dispar/kernels/gaussian.hpp"

#include "torch_doctest.hpp"

namespace torch_tests {
namespace {

namespace autograd = dispar::autograd;
using dispar::gaussian;

torch::Tensor loss(const autograd::tensor_sample& x, const autograd::tensor_sample& y) {
  return autograd::mmd_estimate(x, y, gaussian{2});
}
torch::Tensor rows(std::int64_t n, std::int64_t d = 3) { return torch::randn({n, d}, torch::kDouble); }
torch::Tensor trained(std::int64_t n) { return rows(n).requires_grad_(); }

// sum of squares, with a note of what was asked for
torch::Tensor squares(const std::vector<torch::Tensor>& inputs, std::string& wanted) {
  return autograd::differentiable(inputs, [&](const std::vector<torch::Tensor>& gradients) {
    double sum = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      wanted += gradients[i].defined() ? '1' : '0';
      sum += inputs[i].square().sum().item<double>();
      if (gradients[i].defined()) gradients[i].copy_(2 * inputs[i]);
    }
    return sum;
  });
}

double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

}  // namespace

TEST_CASE("only wanted gradients are computed") {
  std::string wanted;
  const auto a = trained(2), b = trained(2), constant = rows(2);
  squares({a, constant, b}, wanted).backward();
  CHECK(wanted == "101");
  CHECK(torch::equal(a.grad(), 2 * a.detach()));
  CHECK(torch::equal(b.grad(), 2 * b.detach()));
  CHECK_FALSE(constant.grad().defined());
  CHECK_FALSE(squares({constant, constant}, wanted = "").requires_grad());
  CHECK(wanted == "00");
  {
    const torch::NoGradGuard guard;
    CHECK_FALSE(squares({a, b}, wanted = "").requires_grad());
    CHECK(wanted == "00");
  }
  CHECK(squares({a.detach(), b}, wanted = "").requires_grad());
  CHECK(wanted == "01");
}

TEST_CASE("each subset of trained tensors gets the gradients that it gets among all") {
  const auto x = rows(9), y = rows(7), sigma = torch::tensor(1.5, torch::kDouble);
  const auto value = [&](bool of_x, bool of_y, bool of_sigma, std::vector<torch::Tensor>& leaves) {
    leaves = {x.clone().requires_grad_(of_x), y.clone().requires_grad_(of_y), sigma.clone().requires_grad_(of_sigma)};
    return autograd::mmd_estimate(leaves[0], leaves[1], autograd::trainable<gaussian>{leaves[2]});
  };
  std::vector<torch::Tensor> all, some;
  const auto whole = value(true, true, true, all);
  whole.backward();
  for (int subset = 0; subset < 7; ++subset) {
    CAPTURE(subset);
    const auto v = value((subset & 1) != 0, (subset & 2) != 0, (subset & 4) != 0, some);
    CHECK(v.item<double>() == doctest::Approx(whole.item<double>()).epsilon(1e-13));
    CHECK(v.requires_grad() == (subset != 0));
    if (subset != 0) v.backward();
    for (std::size_t i = 0; i < 3; ++i) {
      REQUIRE(some[i].grad().defined() == some[i].requires_grad());
      if (some[i].requires_grad()) CHECK(torch::equal(some[i].grad(), all[i].grad()));
    }
  }
}

TEST_CASE("the upstream derivative is used, and gradients of several uses add up") {
  const auto x = trained(8), y = trained(8);
  const auto once = torch::autograd::grad({loss(x, y)}, {x, y});
  const auto l = loss(x, y);
  (3 * l - l.square()).backward();
  const double upstream = 3 - 2 * l.item<double>();
  CHECK(torch::allclose(x.grad(), upstream * once[0], 1e-14, 0));
  CHECK(torch::allclose(y.grad(), upstream * once[1], 1e-14, 0));
  // The same tensor as both samples gets both gradients, which cancel: the biased MMD of a sample and itself is 0.
  const auto itself = autograd::mmd_estimate(x, x, gaussian{2}, {.form = dispar::mmd::estimator::biased});
  CHECK(torch::autograd::grad({itself}, {x})[0].abs().max().item<double>() < 1e-15);
}

TEST_CASE("the graph is there once, or as often as it is retained") {
  const auto x = trained(8), y = rows(8);
  const auto l = loss(x, y);
  l.backward({}, /*retain_graph=*/true);
  const auto once = x.grad().clone();
  l.backward();
  CHECK(torch::equal(x.grad(), 2 * once));
  CHECK_THROWS_WITH_AS(l.backward(), "dispar: backward was called a second time: say retain_graph = true the first time",
                       dispar::invalid_argument);
}

TEST_CASE("a second derivative is refused, whoever asks") {
  const auto x = trained(8), y = rows(8);
  const auto first = torch::autograd::grad({loss(x, y)}, {x}, {}, true, true)[0];
  CHECK(torch::equal(first, torch::autograd::grad({loss(x, y)}, {x})[0]));
  const std::string message =
      "dispar: a second derivative was asked for: gradients of dispar's losses are not differentiable (backward without "
      "create_graph, or detach them)";
  CHECK_THROWS_WITH_AS(first.square().sum().backward(), message.c_str(), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)torch::autograd::grad({first.sum()}, {x}, {}, false, false, /*allow_unused=*/true), message.c_str(),
                       dispar::invalid_argument);
  // Others may differentiate twice beside us, or with our gradient as a constant.
  const auto sum = loss(x, y).detach() * x.pow(3).sum();
  const auto gradient = torch::autograd::grad({sum}, {x}, {}, true, true)[0];
  CHECK((gradient.sum() * first.detach().sum()).requires_grad());
  CHECK_NOTHROW((void)torch::autograd::grad({gradient.sum()}, {x}));
}

TEST_CASE("what a loss cannot take is refused by name, before any work") {
  const auto x = rows(5), y = rows(5);
  const auto refused = [&](const autograd::tensor_sample& a, const autograd::tensor_sample& b, const char* message) {
    CHECK_THROWS_WITH_AS((void)loss(a, b), message, dispar::invalid_argument);
  };
  refused(torch::Tensor(), y, "dispar: x must be defined, got an undefined tensor");
  refused(x.to(torch::kLong), y.to(torch::kLong), "dispar: x must be float or double, got Long");
  refused(x.to(torch::kHalf), y.to(torch::kHalf), "dispar: x must be float or double, got Half");
  refused(x.to(torch::kBFloat16), y, "dispar: x must be float or double, got BFloat16");
  refused(x, y.to(torch::kFloat), "dispar: y must have the type of the other tensors, got Float");
  refused(x.to_sparse(), y, "dispar: x must be dense (strided), got Sparse");
  refused(x, y.to(torch::kMeta), "dispar: y must be on the CPU or on a CUDA device, got meta");
  refused(x, y[0], "dispar: y: dim() must be 2, got 1");
  refused({x, x}, y, "dispar: x: channels must be as many as the kernel has, got 2");
  refused({}, y, "dispar: x: channels must be as many as the kernel has, got 0");
  refused(autograd::weighted(x, torch::ones(4, torch::kDouble)), y,
          "dispar: x: weights: size(0) must be the same in every tensor of a sample, got 4");
  refused(autograd::weighted(x, torch::ones(5, torch::kDouble).requires_grad_()), y,
          "dispar: x: weights must not require a gradient: there is none by weights");
  CHECK_THROWS_AS((void)loss(x, rows(5, 4)), dispar::invalid_argument);
  CHECK_THROWS_AS((void)loss(x.clone().fill_(NAN), y), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)(autograd::trainable<gaussian>{torch::ones(2)}),
                       "dispar: trainable: parameters must have as many elements as the kernel has parameters, got 2",
                       dispar::invalid_argument);
  CHECK_THROWS_AS((void)(autograd::mmd_estimate(x, y, autograd::trainable<gaussian>{torch::zeros({})})),
                  dispar::invalid_argument);
}

TEST_CASE("CUDA tensors need a function that nvcc compiled, and the message says which") {
  using loss_type = autograd::mmd_estimate_loss;
  // As tests/interop/gpu/gpu_entry_full.cu names it, in another inline namespace.
  const auto name = autograd::detail::device_function_name<loss_type, gaussian, float>();
  CHECK(name.ends_with(": dispar::autograd::mmd_estimate_loss (32 bytes) by dispar::gaussian on float"));
  const auto x = rows(5);
  std::vector<double> by_parameter(1);
  const std::string message =
      "dispar: the tensors are on a CUDA device, and no .cu file of this program has a dispar::autograd::gpu_entry for [" + name +
      "]";
  CHECK_THROWS_WITH_AS((void)autograd::detail::on_device<float>(x, x, gaussian{1}, loss_type{}, {}, by_parameter),
                       message.c_str(), dispar::invalid_argument);
}

TEST_CASE("parameters of any floating type and shape get gradients like themselves") {
  const auto x = rows(9), y = rows(7);
  const auto in_double = torch::tensor(1.5, torch::kDouble).requires_grad_(),
             in_float = torch::full({1, 1}, 1.5).requires_grad_();
  autograd::mmd_estimate(x, y, autograd::trainable<gaussian>{in_double}).backward();
  autograd::mmd_estimate(x, y, autograd::trainable<gaussian>{in_float}).backward();
  CHECK(in_float.grad().sizes() == in_float.sizes());
  CHECK(in_float.grad().item<float>() == static_cast<float>(in_double.grad().item<double>()));
}

TEST_CASE("200 steps leave the memory where it was") {
  const auto x = torch::randn({200, 300}).requires_grad_();
  const auto y = torch::randn({200, 300});
  const auto steps = [&](int count) {
    for (int i = 0; i < count; ++i) {
      x.mutable_grad().reset();
      autograd::mmd_estimate(x, y, gaussian{20}).backward();
    }
  };
  steps(20);
  const double before = resident_megabytes();
  steps(200);
  CHECK(resident_megabytes() - before < 10);  // 48 MB, were a gradient left behind in each
}

TEST_CASE("torch's number of threads is ours, and changes no bit") {
  const auto x = torch::randn({500, 20}).requires_grad_();
  const auto y = torch::randn({400, 20});
  const int threads = at::get_num_threads();
  std::vector<torch::Tensor> values, gradients;
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    values.push_back(loss(x, y));
    gradients.push_back(torch::autograd::grad({values.back()}, {x})[0]);
  }
  at::set_num_threads(threads);
  for (std::size_t i = 1; i < 3; ++i) {
    CHECK(torch::equal(values[0], values[i]));
    CHECK(torch::equal(gradients[0], gradients[i]));
  }
}

}  // namespace torch_tests
