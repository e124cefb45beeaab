// Tests written to device memory: no allocation, upload or wait in their second call; captured as graphs.
#include "dispar/mmd/permutation_test.hpp"

#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/wild_bootstrap.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace {

using namespace dispar;
using gpu_tests::changing_rows;
using gpu_tests::check_asynchronous;
using gpu_tests::counted_stream;

const gaussian kernel{2};

/// The result and the statistics of chance, as numbers.
std::vector<double> numbers(const mmd::test_result& t, std::vector<double> statistics) {
  for (const double v : {t.statistic, t.p_value, t.threshold, t.reject ? 1.0 : 0.0, t.null_mean, t.null_deviation})
    statistics.push_back(v);
  return statistics;
}

/// Two samples, and where a test writes.
struct test_on_a_stream {
  counted_stream s;
  gpu b = s.backend();
  changing_rows<float> x, y;
  result<mmd::test_result, gpu> verdict{b};
  array<double, 1, gpu> statistics;
  std::vector<double> on_host;

  test_on_a_stream(dispar::index n, dispar::index m, dispar::index count)
      : x(b, n, 3), y(b, m, 3), statistics(b, {count}), on_host(static_cast<std::size_t>(count)) {}
  void fill(std::uint64_t seed) {
    x.fill(10 * seed);
    y.fill(10 * seed + 1, 0.3);
  }
  std::vector<double> found() const {
    const auto copy = to_host(b, statistics);
    return numbers(verdict.get(), {copy.data(), copy.data() + on_host.size()});
  }
};

}  // namespace

TEST_CASE("gpu, asynchronous permutation_test: every form, with its statistics") {
  test_on_a_stream t(70, 70, 90);
  for (const auto form : {mmd::estimator::unbiased, mmd::estimator::biased, mmd::estimator::one_sample}) {
    mmd::permutation_options o{.permutations = 90, .seed = 3, .form = form};
    check_asynchronous(
        t.s, [&] { mmd::permutation_test(t.b, t.x.view(), t.y.view(), kernel, t.verdict.view(), o, t.statistics.view()); },
        [&](std::uint64_t seed) { t.fill(seed); }, [&] { return t.found(); },
        [&] {
          mmd::permutation_options own = o;
          own.permuted = view_of(t.on_host);
          const auto r = mmd::permutation_test(t.b, t.x.view(), t.y.view(), kernel, own);
          return numbers(r, t.on_host);
        });
  }
}

TEST_CASE("gpu, asynchronous permutation_test: sizes beside words and tiles, a kernel matrix, too few permutations") {
  test_on_a_stream t(33, 130, 20);
  const mmd::permutation_options o{.permutations = 10, .alpha = 0.01, .rule = mmd::p_value_rule::strictly_greater};
  const auto no_statistics = [&](const mmd::test_result& r) { return numbers(r, {}); };
  check_asynchronous(
      t.s, [&] { mmd::permutation_test(t.b, t.x.view(), t.y.view(), kernel, t.verdict.view(), o); },
      [&](std::uint64_t seed) { t.fill(seed); }, [&] { return no_statistics(t.verdict.get()); },
      [&] { return no_statistics(mmd::permutation_test(t.b, t.x.view(), t.y.view(), kernel, o)); });
  changing_rows<double> gram(t.b, 40, 40);
  check_asynchronous(
      t.s, [&] { mmd::permutation_test(t.b, mmd::given(gram.view(), 15), t.verdict.view(), o); },
      [&](std::uint64_t seed) { gram.fill(seed); }, [&] { return no_statistics(t.verdict.get()); },
      [&] { return no_statistics(mmd::permutation_test(t.b, mmd::given(gram.view(), 15), o)); });
}

TEST_CASE("gpu, asynchronous wild_bootstrap_test") {
  for (const dispar::index n : {40, 64, 97}) {
    test_on_a_stream t(n, n, 70);
    const mmd::wild_bootstrap_options o{.simulations = 70, .seed = 2};
    check_asynchronous(
        t.s, [&] { mmd::wild_bootstrap_test(t.b, t.x.view(), t.y.view(), kernel, t.verdict.view(), o, t.statistics.view()); },
        [&](std::uint64_t seed) { t.fill(seed); }, [&] { return t.found(); },
        [&] {
          mmd::wild_bootstrap_options own = o;
          own.simulated = view_of(t.on_host);
          const auto r = mmd::wild_bootstrap_test(t.b, t.x.view(), t.y.view(), kernel, own);
          return numbers(r, t.on_host);
        });
  }
}

TEST_CASE(
    "gpu, asynchronous permutation_test: given permutations are uploaded, so no graph captures them; host views are refused") {
  test_on_a_stream t(5, 6, 2);
  t.fill(1);
  const std::vector<std::int64_t> orders{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  const mmd::permutation_options o{.given = as_matrix(orders, 2, 11)};
  const auto call = [&] { mmd::permutation_test(t.b, t.x.view(), t.y.view(), kernel, t.verdict.view(), o, t.statistics.view()); };
  call();
  CHECK(t.found()[0] == t.verdict.get().statistic);  // the identity
  CHECK(t.verdict.get().statistic == mmd::permutation_test(t.b, t.x.view(), t.y.view(), kernel, o).statistic);
  const gpu_tests::graph captured(t.s.stream(), [&] { CHECK_THROWS_AS(call(), invalid_argument); });
  mmd::permutation_options to_host_memory{.permutations = 2, .permuted = view_of(t.on_host)};
  CHECK_THROWS_WITH_AS(mmd::permutation_test(t.b, t.x.view(), t.y.view(), kernel, t.verdict.view(), to_host_memory),
                       "dispar: permutation_test: permuted in the options is memory of the host: give a view of the backend's as "
                       "the last argument",
                       invalid_argument);
}

TEST_CASE("gpu, labels are drawn as on the host, bit by bit") {
  counted_stream s;
  const gpu b = s.backend();
  const auto same = [&](dispar::index rows, dispar::index labels, const auto& draw) {
    const auto here = draw_labels(tiled_host<serial>(), rows, labels, draw);
    const auto there = draw_labels(b, rows, labels, draw), copied = labels_on(b, here.view());
    const std::size_t words = static_cast<std::size_t>(membership_words(rows) * labels);
    std::vector<std::uint64_t> drawn(words), copy(words);
    read_back(b, there.view().words, drawn.data(), static_cast<dispar::index>(words));
    read_back(b, copied.view().words, copy.data(), static_cast<dispar::index>(words));
    if (drawn != copy) return false;
    const device_label_view view{drawn.data(), labels, rows};
    for (dispar::index i = 0; i < rows; ++i)
      for (dispar::index p = 0; p < labels; ++p)
        if (view.member(i, p) != here.view().member(i, p)) return false;
    return true;
  };
  for (const auto& [rows, n] : {std::array<dispar::index, 2>{2, 1}, {64, 10}, {65, 64}, {200, 100}, {129, 3}})
    CHECK(same(rows, 70, subset_labels{{4, 0}, rows, n}));
  for (const dispar::index n : {1, 31, 32, 33, 64, 100}) CHECK(same(2 * n, 67, mmd::detail::paired_sign_labels{{5, 1}, n}));
}
