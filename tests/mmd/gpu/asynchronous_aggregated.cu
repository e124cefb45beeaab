// MMDAgg and MMD-FUSE written to device memory: captured as graphs; the verdict against the host's on the same kernel matrices.
#include "dispar/mmd/fused_test.hpp"

#include "dispar/kernels/gaussian.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace {

using namespace dispar;
using gpu_tests::changing_rows;
using gpu_tests::check_asynchronous;
using gpu_tests::counted_stream;

/// Single tests of both kinds, as numbers.
void append(std::vector<double>& to, const mmd::aggregated_member& m) {
  for (const double v :
       {static_cast<double>(m.kernel), m.statistic, m.quantile, m.p_value, m.p_value_threshold, m.reject ? 1.0 : 0.0})
    to.push_back(v);
}
void append(std::vector<double>& to, const mmd::fused_member& m) {
  for (const double v : {static_cast<double>(m.kernel), m.normalized}) to.push_back(v);
}
template<class Member>
std::vector<double> numbers(std::vector<double> verdict, const Member* member, std::size_t count) {
  for (std::size_t k = 0; k < count; ++k) append(verdict, member[k]);
  return verdict;
}
std::vector<double> numbers(const mmd::aggregated_result& r) {
  return numbers({r.reject ? 1.0 : 0.0, r.u}, r.member.data(), r.member.size());
}
std::vector<double> numbers(const mmd::fused_result& r) {
  return numbers({r.statistic, r.p_value, r.threshold, r.reject ? 1.0 : 0.0}, r.member.data(), r.member.size());
}

/// Where tests of three kernels write.
struct tests_on_a_stream {
  counted_stream s;
  gpu b = s.backend();
  result<mmd::aggregated_verdict, gpu> aggregated{b};
  result<mmd::test_result, gpu> fused{b};
  array<mmd::aggregated_member, 1, gpu> aggregated_member{b, {3}};
  array<mmd::fused_member, 1, gpu> fused_member{b, {3}};

  std::vector<double> found_aggregated() {
    const auto v = aggregated.get();
    const auto member = to_host(b, aggregated_member);
    return numbers({v.reject ? 1.0 : 0.0, v.u}, member.data(), 3);
  }
  std::vector<double> found_fused() {
    const auto t = fused.get();
    const auto member = to_host(b, fused_member);
    return numbers({t.statistic, t.p_value, t.threshold, t.reject ? 1.0 : 0.0}, member.data(), 3);
  }
};

}  // namespace

TEST_CASE("gpu, asynchronous aggregated_test and fused_test: bandwidths given, equal and unequal sizes") {
  const std::vector<double> one{2.0}, two{0.7, 2.0};
  for (const dispar::index m : {30, 40}) {
    tests_on_a_stream t;
    changing_rows<float> x(t.b, 30, 3), y(t.b, m, 3);
    const auto fill = [&](std::uint64_t seed) {
      x.fill(10 * seed);
      y.fill(10 * seed + 1, 0.5);
    };
    const mmd::aggregated_options a{.laplacian_bandwidths = view_of(one),
                                    .gaussian_bandwidths = view_of(two),
                                    .quantile_simulations = 40,
                                    .level_simulations = 30,
                                    .bisections = 10};
    check_asynchronous(
        t.s, [&] { mmd::aggregated_test(t.b, x.view(), y.view(), t.aggregated.view(), t.aggregated_member.view(), a); }, fill,
        [&] { return t.found_aggregated(); }, [&] { return numbers(mmd::aggregated_test(t.b, x.view(), y.view(), a)); });
    const mmd::fused_options f{.laplacian_bandwidths = view_of(one), .gaussian_bandwidths = view_of(two), .permutations = 50};
    check_asynchronous(
        t.s, [&] { mmd::fused_test(t.b, x.view(), y.view(), t.fused.view(), t.fused_member.view(), f); }, fill,
        [&] { return t.found_fused(); }, [&] { return numbers(mmd::fused_test(t.b, x.view(), y.view(), f)); });
  }
}

TEST_CASE("gpu, aggregated_test and fused_test of kernel matrices: asynchronous, and the host's verdict") {
  tests_on_a_stream t;
  const dispar::index n = 35, rows = 75;
  // A matrix of one kernel per width, of the pooled rows.
  std::array<changing_rows<double>, 3> matrix{changing_rows<double>(t.b, rows, rows), changing_rows<double>(t.b, rows, rows),
                                              changing_rows<double>(t.b, rows, rows)};
  std::array<std::vector<double>, 3> here;
  const auto fill = [&](std::uint64_t seed) {
    auto z = normal_rows<double>(rows, 2, seed);
    for (std::size_t i = 0; i < static_cast<std::size_t>(2 * n); ++i) z[i] += 0.6;
    for (std::size_t k = 0; k < 3; ++k) {
      here[k].clear();
      for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i)
        for (std::size_t j = 0; j < static_cast<std::size_t>(rows); ++j)
          here[k].push_back(std::exp(-(std::pow(z[2 * i] - z[2 * j], 2) + std::pow(z[2 * i + 1] - z[2 * j + 1], 2)) /
                                     std::pow(4.0, static_cast<double>(k))));
      cudaMemcpyAsync(matrix[k].memory.data(), here[k].data(), matrix[k].memory.bytes(), cudaMemcpyHostToDevice, t.b.stream());
    }
    t.b.wait();
  };
  using on_device = mmd::given_gram<double, dispar::device>;
  const std::array<on_device, 3> grams{mmd::given(matrix[0].view(), n), mmd::given(matrix[1].view(), n),
                                       mmd::given(matrix[2].view(), n)};
  const std::span<const on_device> list(grams);
  const auto on_host = [&] {
    std::array<mmd::given_gram<double, host>, 3> same{};
    for (std::size_t k = 0; k < 3; ++k) same[k] = mmd::given(as_matrix(here[k], rows, rows), n);
    return same;
  };
  // The same numbers, but for the rounding of sums in another order.
  const auto same = [](const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-10));
  };
  const mmd::aggregated_options a{.quantile_simulations = 99, .level_simulations = 80, .bisections = 20, .seed = 4};
  const mmd::fused_options f{.permutations = 99, .seed = 4};
  fill(1);
  const auto matrices = on_host();
  const std::span<const mmd::given_gram<double, host>> host_list(matrices);
  const tiled_host<serial> one_thread;
  same(numbers(mmd::aggregated_test(t.b, list, a)), numbers(mmd::aggregated_test(one_thread, host_list, a)));
  same(numbers(mmd::fused_test(t.b, list, f)), numbers(mmd::fused_test(one_thread, host_list, f)));
  check_asynchronous(
      t.s, [&] { mmd::aggregated_test(t.b, list, t.aggregated.view(), t.aggregated_member.view(), a); }, fill,
      [&] { return t.found_aggregated(); }, [&] { return numbers(mmd::aggregated_test(t.b, list, a)); });
  array<double, 1, gpu> permuted(t.b, {99});
  check_asynchronous(
      t.s, [&] { mmd::fused_test(t.b, list, t.fused.view(), t.fused_member.view(), f, permuted.view()); }, fill,
      [&] { return t.found_fused(); }, [&] { return numbers(mmd::fused_test(t.b, list, f)); });
  // A vanishing matrix: NaN without a wait, thrown by the form that waits.
  cudaMemsetAsync(matrix[1].memory.data(), 0, matrix[1].memory.bytes(), t.b.stream());
  mmd::fused_test(t.b, list, t.fused.view(), t.fused_member.view(), f);
  CHECK(std::isnan(t.fused.get().p_value));
  CHECK(!t.fused.get().reject);
  CHECK_THROWS_AS((void)mmd::fused_test(t.b, list, f), invalid_argument);
}
