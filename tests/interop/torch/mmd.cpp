#include "dispar/interop/torch/mmd.hpp"

#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "dispar/kernels/deep.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "plain_mmd.hpp"

#include "torch_doctest.hpp"

namespace torch_tests {
namespace {

namespace autograd = dispar::autograd;
namespace mmd = dispar::mmd;
using dispar::deep_kernel;
using dispar::gaussian;
using mmd::estimator;

// Samples of n and m rows with phi_columns + raw_columns features, and the parameters of both kernels; all are trained.
template<class T>
struct problem {
  static constexpr std::int64_t phi_columns = 3, raw_columns = 5;
  torch::TensorOptions type = torch::TensorOptions().dtype(dispar::torch_type<T>);
  torch::Tensor x, y, sigma, s, s0, e;

  explicit problem(std::int64_t n, std::int64_t m) {
    torch::manual_seed(1);
    x = leaf(torch::randn({n, phi_columns + raw_columns}, type));
    y = leaf(torch::randn({m, phi_columns + raw_columns}, type) * 1.3 + 0.2);
    sigma = leaf(torch::tensor(2.5, type));
    s = leaf(torch::tensor(3.0, type));
    s0 = leaf(torch::tensor(1.7, type));
    e = leaf(torch::tensor(0.3, type));
  }
  static torch::Tensor leaf(const torch::Tensor& t) { return t.detach().requires_grad_(); }

  [[nodiscard]] autograd::tensor_sample channels(const torch::Tensor& t) const {
    return {t.narrow(1, 0, phi_columns), t.slice(1, phi_columns)};  // neither is contiguous
  }
  [[nodiscard]] autograd::trainable<gaussian> trained_gaussian() const { return {sigma}; }
  [[nodiscard]] autograd::trainable<deep_kernel<>> trained_deep() const { return {s, s0, e}; }
  [[nodiscard]] plain_gaussian same_gaussian() const { return {sigma}; }
  [[nodiscard]] plain_deep_kernel same_deep() const { return {s, s0, e, phi_columns}; }
};

// Relative to the largest element: in float, sums over pairs carry about 1e-6 in both computations, and J divides by V^(3/2).
template<class T>
void check_close(const torch::Tensor& a, const torch::Tensor& b, double in_double = 1e-11, double in_float = 2e-4) {
  REQUIRE(a.sizes() == b.sizes());
  REQUIRE((a.scalar_type() == b.scalar_type()));
  const double scale = b.abs().max().template item<double>(), apart = (a - b).abs().max().template item<double>();
  CHECK(scale > 0);
  CHECK(apart <= (std::is_same_v<T, double> ? in_double : in_float) * scale);
}

template<class T>
void check_same(const torch::Tensor& value, const torch::Tensor& plain, const std::vector<torch::Tensor>& inputs) {
  check_close<T>(value, plain);
  const auto a = torch::autograd::grad({value}, inputs), b = torch::autograd::grad({plain}, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) check_close<T>(a[i], b[i]);
}

}  // namespace

TEST_CASE_TEMPLATE("mmd_estimate and its gradients are those of plain torch operations", T, float, double) {
  for (const auto form : {estimator::unbiased, estimator::biased, estimator::one_sample})
    for (const double yy : {1.0, 0.0}) {
      CAPTURE(yy);
      const mmd::options o{.xx = 0.8, .yy = yy, .xy = 1.5, .form = form};
      const problem<T> p(21, form == estimator::one_sample ? 21 : 33);
      check_same<T>(autograd::mmd_estimate(p.x, p.y, p.trained_gaussian(), o), plain_estimate(p.x, p.y, p.same_gaussian(), o),
                    {p.x, p.y, p.sigma});
      check_same<T>(autograd::mmd_estimate(p.channels(p.x), p.channels(p.y), p.trained_deep(), o),
                    plain_estimate(p.x, p.y, p.same_deep(), o), {p.x, p.y, p.s, p.s0, p.e});
    }
}

TEST_CASE_TEMPLATE("mmd_criterion, mmd_variance and their gradients are those of plain torch operations", T, float, double) {
  const problem<T> p(40, 40);
  for (const double yy : {1.0, 0.0}) {
    CAPTURE(yy);
    const mmd::criterion_options o{.yy = yy, .lambda = 1e-4};
    const auto j = autograd::mmd_criterion(p.channels(p.x), p.channels(p.y), p.trained_deep(), o);
    check_same<T>(j.value, plain_criterion(p.x, p.y, p.same_deep(), o), {p.x, p.y, p.s, p.s0, p.e});
    const auto h = plain_statistic_and_variance(p.x, p.y, p.same_deep(), o.xx, o.yy, o.xy);
    CHECK(j.statistic == doctest::Approx(h.statistic.template item<double>()).epsilon(1e-5));
    CHECK(j.variance == doctest::Approx(h.variance.template item<double>()).epsilon(1e-4));
    check_same<T>(autograd::mmd_variance(p.channels(p.x), p.channels(p.y), p.trained_deep(), {.yy = yy}), h.variance,
                  {p.x, p.y, p.s, p.s0, p.e});
  }
}

TEST_CASE("gradients of the criterion are central differences") {
  problem<double> p(12, 12);
  const auto loss = [&] {
    return -autograd::mmd_criterion(p.channels(p.x), p.channels(p.y), p.trained_deep(), {.yy = 0, .lambda = 1e-6}).value;
  };
  const std::vector<torch::Tensor> inputs{p.x, p.y, p.s, p.s0, p.e};
  const auto gradients = torch::autograd::grad({loss()}, inputs);
  constexpr double step = 1e-5;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const torch::NoGradGuard guard;
    auto elements = inputs[i].view(-1);
    const auto gradient = gradients[i].reshape(-1);
    const double scale = gradient.abs().max().item<double>();
    for (std::int64_t k = 0; k < elements.numel(); ++k) {
      const double at = elements[k].item<double>();
      elements[k] = at + step;
      const double above = loss().item<double>();
      elements[k] = at - step;
      const double below = loss().item<double>();
      elements[k] = at;
      CHECK(gradient[k].item<double>() == doctest::Approx((above - below) / (2 * step)).epsilon(1e-6).scale(scale));
    }
  }
}

TEST_CASE_TEMPLATE("transposed, sliced and expanded samples give the bits of their copies", T, float, double) {
  const auto type = torch::TensorOptions().dtype(dispar::torch_type<T>);
  torch::manual_seed(2);
  const auto y = torch::randn({30, 4}, type);
  for (const auto& view : {torch::randn({4, 25}, type).t(), torch::randn({50, 9}, type).slice(0, 0, 50, 2).slice(1, 1, 9, 2),
                           torch::randn({25, 1}, type).expand({25, 4}), torch::randn({1, 4}, type).expand({25, 4})}) {
    REQUIRE_FALSE(view.is_contiguous());
    const auto x = problem<T>::leaf(view), copy = problem<T>::leaf(view.contiguous());
    REQUIRE(x.strides() == view.strides());
    const auto a = autograd::mmd_estimate(x, y, gaussian{2}), b = autograd::mmd_estimate(copy, y, gaussian{2});
    CHECK(torch::equal(a, b));
    CHECK(torch::equal(torch::autograd::grad({a}, {x})[0], torch::autograd::grad({b}, {copy})[0]));
  }
}

TEST_CASE("row weights count rows") {
  const problem<double> p(10, 12);
  const auto twice = torch::cat({p.x, p.x.slice(0, 3, 7)}), times = torch::ones({10}, p.type);
  times.slice(0, 3, 7).fill_(2);
  const mmd::options biased{.form = estimator::biased};
  check_same<double>(autograd::mmd_estimate(autograd::weighted(p.x, times), p.y, p.trained_gaussian(), biased),
                     plain_estimate(twice, p.y, p.same_gaussian(), biased), {p.x, p.y, p.sigma});
}

}  // namespace torch_tests
