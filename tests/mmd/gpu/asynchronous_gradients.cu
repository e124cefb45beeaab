// Gradients and the criterion written to device memory, captured as graphs; the upstream factor as a device scalar.
#include "dispar/mmd/criterion.hpp"

#include "dispar/kernels/gaussian.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace {

using namespace dispar;
using gpu_tests::changing_rows;
using gpu_tests::check_asynchronous;
using gpu_tests::counted_stream;

const gaussian kernel{2};

/// Samples, and where a value, two gradients by rows and one by the parameter go; all of them as numbers in a row.
struct training {
  counted_stream s;
  gpu b = s.backend();
  changing_rows<float> x{b, 70, 3}, y{b, 70, 3}, u{b, 70, 1};
  array<float, 2, gpu> gx{b, {70, 3}}, gy{b, {70, 3}};
  array<double, 1, gpu> parameter{b, {1}}, upstream{b, {1}};
  result<double, gpu> value{b};
  result<mmd::criterion_result, gpu> j{b};

  void fill(std::uint64_t seed) {
    x.fill(10 * seed);
    y.fill(10 * seed + 1, 0.4);
    std::vector<float> w;
    for (std::uint64_t i = 0; i < 70; ++i) w.push_back(static_cast<float>(1 + (i + seed) % 3));
    const double factor = static_cast<double>(seed) - 4;
    cudaMemcpyAsync(u.memory.data(), w.data(), u.memory.bytes(), cudaMemcpyHostToDevice, b.stream());
    cudaMemcpyAsync(upstream.data(), &factor, sizeof factor, cudaMemcpyHostToDevice, b.stream());
    b.wait();
  }
  /// Parameters in the memory that the form asks for; `factor` is a number where the form is to compare with a device scalar.
  template<memory_space P>
  [[nodiscard]] mmd::gradients<float, 1, device, P> outputs(const vector_view<double, P>& by_parameter, bool scalar,
                                                            double factor) {
    mmd::gradients<float, 1, device, P> out{.x = {gx.view()}, .y = {gy.view()}, .parameters = by_parameter, .factor = factor};
    if (scalar) out.upstream = scalar_view<const double, device>(upstream.data());
    return out;
  }
  [[nodiscard]] std::vector<double> numbers(double first, double by_parameter) const {
    std::vector<double> all{first, by_parameter};
    for (const auto* g : {&gx, &gy}) {
      const auto copy = to_host(b, *g);
      all.insert(all.end(), copy.data(), copy.data() + 210);
    }
    return all;
  }
  [[nodiscard]] double by_parameter() const { return to_host(b, parameter).data()[0]; }
  [[nodiscard]] double factor() const { return 0.5 * to_host(b, upstream).data()[0]; }
};

}  // namespace

TEST_CASE("gpu, asynchronous value_and_gradient: forms, weights, a factor on the device") {
  training t;
  const auto fill = [&](std::uint64_t seed) { t.fill(seed); };
  const auto found = [&] { return t.numbers(t.value.get(), t.by_parameter()); };
  const auto check = [&](const auto& x, const mmd::options& o) {
    check_asynchronous(
        t.s,
        [&] { mmd::value_and_gradient(t.b, x, t.y.view(), kernel, t.value.view(), t.outputs(t.parameter.view(), true, 0.5), o); },
        fill, found,
        [&] {
          std::vector<double> p(1);
          const double value = mmd::value_and_gradient(t.b, x, t.y.view(), kernel, t.outputs(view_of(p), false, t.factor()), o);
          return t.numbers(value, p[0]);
        });
  };
  for (const auto form : {mmd::estimator::biased, mmd::estimator::unbiased, mmd::estimator::one_sample})
    check(t.x.view(), {.xx = 0.7, .form = form});
  const auto x = weighted(t.x.view(), vector_view<const float, device>(t.u.memory.data(), 70));
  check(x, {.form = mmd::estimator::biased});
}

TEST_CASE("gpu, asynchronous criterion and variances, with gradients") {
  training t;
  const auto fill = [&](std::uint64_t seed) { t.fill(seed); };
  const auto x = t.x.view();
  const auto y = t.y.view();
  check_asynchronous(
      t.s, [&] { mmd::criterion(t.b, x, y, kernel, t.j.view(), {.yy = 0}); }, fill, [&] { return t.j.get().value; },
      [&] { return mmd::criterion(t.b, x, y, kernel, {.yy = 0}).value; });
  check_asynchronous(
      t.s, [&] { mmd::criterion_and_gradient(t.b, x, y, kernel, t.j.view(), t.outputs(t.parameter.view(), true, 0.5)); }, fill,
      [&] { return t.numbers(t.j.get().value, t.by_parameter()); },
      [&] {
        std::vector<double> p(1);
        const auto out = t.outputs(view_of(p), true, 0.5);
        const double value = mmd::criterion_and_gradient(t.b, x, y, kernel, out).value;
        return t.numbers(value, p[0]);
      });
  check_asynchronous(
      t.s, [&] { mmd::variance_and_gradient(t.b, x, y, kernel, t.value.view(), t.outputs(t.parameter.view(), true, 0.5)); }, fill,
      [&] { return t.numbers(t.value.get(), t.by_parameter()); },
      [&] {
        std::vector<double> p(1);
        const double v = mmd::variance_and_gradient(t.b, x, y, kernel, t.outputs(view_of(p), false, t.factor()));
        return t.numbers(v, p[0]);
      });
  check_asynchronous(
      t.s, [&] { mmd::variance_h1(t.b, x, y, kernel, t.value.view(), {.yy = 0}); }, fill, [&] { return t.value.get(); },
      [&] { return mmd::variance_h1(t.b, x, y, kernel, {.yy = 0}); });
  check_asynchronous(
      t.s, [&] { mmd::variance_unbiased(t.b, x, y, kernel, t.value.view()); }, fill, [&] { return t.value.get(); },
      [&] { return mmd::variance_unbiased(t.b, x, y, kernel); });
  check_asynchronous(
      t.s, [&] { mmd::variance_ratio(t.b, x, y, kernel, t.value.view()); }, fill, [&] { return t.value.get(); },
      [&] { return mmd::variance_ratio(t.b, x, y, kernel); });
}
