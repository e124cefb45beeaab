// Jensen-Shannon on rows on the GPU: the results of the CPU, by a block per row and by segments, from every number type.
#include <doctest/doctest.h>

#include <vector>

#include "dispar/backend/gpu.hpp"
#include "dispar/backend/host/rows.hpp"
#include "dispar/backend/host/step.hpp"
#include "dispar/divergence/entropy.hpp"
#include "dispar/divergence/jensen_shannon.hpp"
#include "dispar/divergence/kullback_leibler.hpp"
#include "dispar/divergence/label_cross_entropy.hpp"
#include "dispar/divergence/rows.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"
#include "normal_rows.hpp"

namespace {

using namespace dispar;
using divergence::jensen_shannon;

const tiled_host<serial> on_cpu;

template<class T>
std::vector<T> numbers(dispar::index rows, dispar::index cols, std::uint64_t seed) {
  std::vector<T> x;
  for (const float value : normal_rows<float>(rows, cols, seed)) x.push_back(static_cast<T>(value));
  x[1] = static_cast<T>(negative_infinity<float>());
  return x;
}

template<class T>
void check(dispar::index rows, dispar::index cols, bool ragged = false, bool masked = false) {
  CAPTURE(rows);
  CAPTURE(cols);
  using C = computed_type<T>;
  cuda_context context;
  const gpu g{&context};
  const auto x = numbers<T>(rows, cols, 1), y = numbers<T>(rows, cols, 2);
  const std::vector<C> a(x.begin(), x.end()), b(y.begin(), y.end());
  std::vector<std::int64_t> lengths;
  for (dispar::index i = 0; i < rows; ++i) lengths.push_back((cols - 1) >> i);
  std::vector<C> ga(a.size()), gb(a.size());
  std::vector<double> expected(static_cast<std::size_t>(rows));
  const jensen_shannon f{0.4};
  divergence::row_options<> options;
  if (ragged) options.lengths = view_of(lengths);
  std::vector<std::uint8_t> mask(a.size());
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % 5 != 3;
  if (masked) options.mask = as_matrix(mask, rows, cols);
  divergence::rows_and_gradient(on_cpu, as_matrix(a, rows, cols), as_matrix(b, rows, cols), f, expected,
                                {.a = as_matrix(ga, rows, cols), .b = as_matrix(gb, rows, cols)}, options);

  const auto device_a = to(g, as_matrix(x, rows, cols)), device_b = to(g, as_matrix(y, rows, cols));
  const auto device_lengths = to(g, lengths);
  array<double, 1, gpu> value(g, {rows}), again(g, {rows});
  array<T, 2, gpu> by_a(g, {rows, cols}), by_b(g, {rows, cols});
  divergence::row_options<device> device_options;
  if (ragged) device_options.lengths = device_lengths.view();
  const auto device_mask = to(g, as_matrix(mask, rows, cols));
  if (masked) device_options.mask = device_mask.view();
  divergence::rows(g, device_a, device_b, f, value.view(), device_options);
  divergence::rows_and_gradient(g, device_a, device_b, f, again.view(), {.a = by_a.view(), .b = by_b.view()}, device_options);
  const auto got = to_host(g, value), got_again = to_host(g, again);
  const auto got_a = to_host(g, by_a), got_b = to_host(g, by_b);
  const double tolerance = sizeof(C) == 4 ? 3e-7 : 1e-14, of_gradient = sizeof(T) == 2 ? 4e-3 : 30 * tolerance;
  double worst = 0, worst_gradient = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    for (const double v : {got.data()[i], got_again.data()[i]}) worst = std::max(worst, std::abs(v - expected[i]));
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max({largest, static_cast<double>(std::abs(ga[i])), static_cast<double>(std::abs(gb[i]))});
    worst_gradient = std::max({worst_gradient, static_cast<double>(std::abs(static_cast<C>(got_a.data()[i]) - ga[i])),
                               static_cast<double>(std::abs(static_cast<C>(got_b.data()[i]) - gb[i]))});
  }
  CHECK(worst < tolerance);
  CHECK(worst_gradient < of_gradient * largest + 1e-7 * (sizeof(T) == 2));  // half ends at 6e-8
}

}  // namespace

TEST_CASE("divergence::rows on the GPU: a block per row, lengths around what a thread and a block hold") {
  check<float>(2, 7);
  check<float>(3, 2051, false, true);
  check<double>(3, 2048, true);
}

TEST_CASE("divergence::rows on the GPU: long rows by segments") {
  check<float>(3, 20004, true);  // the second row ends in the second of three segments
  check<float>(1, 16385, true, true);
}

TEST_CASE("divergence::rows on the GPU: numbers of 16 bits") {
  check<half>(3, 520);
  check<bfloat16>(2, 517, true);  // rows that do not start at 16 bytes
  check<half>(1, 8200, false, true);
  check<bfloat16>(2, 8201, true);
}

TEST_CASE("divergence on the GPU: another functor, and the entropy") {
  cuda_context context;
  const gpu g{&context};
  const auto x = normal_rows<float>(2, 700, 1), y = normal_rows<float>(2, 700, 2);
  std::vector<double> expected(2), entropies(2);
  divergence::rows(on_cpu, as_matrix(x, 2, 700), as_matrix(y, 2, 700), divergence::kullback_leibler{}, expected);
  divergence::entropy(on_cpu, as_matrix(x, 2, 700), entropies);
  const auto a = to(g, as_matrix(x, 2, 700)), b = to(g, as_matrix(y, 2, 700));
  array<double, 1, gpu> value(g, {2}), entropy(g, {2});
  divergence::rows(g, a, b, divergence::kullback_leibler{}, value.view());
  divergence::entropy(g, a, entropy.view());
  const auto got = to_host(g, value), got_entropy = to_host(g, entropy);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(got.data()[i] == doctest::Approx(expected[i]).epsilon(1e-6));
    CHECK(got_entropy.data()[i] == doctest::Approx(entropies[i]).epsilon(1e-6));
  }
}

TEST_CASE("label_cross_entropy on the GPU: a block per row, and by segments") {
  cuda_context context;
  const gpu g{&context};
  for (const dispar::index cols : {300, 8200}) {
    CAPTURE(cols);
    const auto x = normal_rows<float>(3, cols, 1);
    const std::vector<std::int64_t> labels{cols - 1, -100, 7};
    std::vector<double> expected(3);
    std::vector<float> ge(x.size());
    divergence::label_cross_entropy(on_cpu, as_matrix(x, 3, cols), labels, expected, {.label_smoothing = 0.1},
                                    {.a = as_matrix(ge, 3, cols)});
    const auto a = to(g, as_matrix(x, 3, cols));
    const auto device_labels = to(g, labels);
    array<double, 1, gpu> values(g, {3});
    array<float, 2, gpu> gradient(g, {3, cols});
    divergence::label_cross_entropy(g, a, device_labels, values.view(), {.label_smoothing = 0.1}, {.a = gradient.view()});
    const auto got = to_host(g, values);
    const auto by_logits = to_host(g, gradient);
    double worst = 0;
    for (std::size_t i = 0; i < 3; ++i) CHECK(got.data()[i] == doctest::Approx(expected[i]).epsilon(1e-6));
    for (std::size_t i = 0; i < x.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(by_logits.data()[i] - ge[i])));
    CHECK(worst < 1e-6);
    CHECK(divergence::mean_label_cross_entropy(g, a, device_labels, {.label_smoothing = 0.1}) ==
          doctest::Approx((expected[0] + expected[2]) / 2).epsilon(1e-6));
  }
}

TEST_CASE("divergence::rows on the GPU: without a wait, and by a graph, by blocks and by segments") {
  for (const dispar::index cols : {300, 9000}) {
    gpu_tests::counted_stream s;
    const gpu g = s.backend();
    gpu_tests::changing_rows<float> a(g, 2, cols), b(g, 2, cols);
    array<double, 1, gpu> values(g, {2}), again(g, {2});
    array<float, 2, gpu> by_a(g, {2, cols}), by_b(g, {2, cols});
    const auto numbers = [&] {
      std::vector<double> all;
      const auto add = [&](const auto& of) {
        const auto copy = to_host(g, of);
        all.insert(all.end(), copy.data(), copy.data() + copy.view().size());
      };
      add(values);
      add(again);
      add(by_a);
      add(by_b);
      return all;
    };
    const auto call = [&] {
      divergence::rows(g, a.view(), b.view(), jensen_shannon{}, values.view());
      divergence::rows_and_gradient(g, a.view(), b.view(), jensen_shannon{}, again.view(),
                                    {.a = by_a.view(), .b = by_b.view(), .factor = 0.5});
    };
    gpu_tests::check_asynchronous(
        s, call,
        [&](std::uint64_t seed) {
          a.fill(10 * seed);
          b.fill(10 * seed + 1);
        },
        numbers,
        [&] {
          call();
          return numbers();
        });
  }
}

TEST_CASE("divergence on the GPU: the mean waits, names the row, and is equal from run to run") {
  cuda_context context;
  const gpu g{&context};
  auto x = numbers<float>(4, 300, 1);
  const auto b = to(g, as_matrix(numbers<float>(4, 300, 2), 4, 300));
  const auto a = to(g, as_matrix(x, 4, 300));
  CHECK(divergence::mean(g, a, b, jensen_shannon{}) == divergence::mean(g, a, b, jensen_shannon{}));
  x[700] = quiet_nan<float>();
  const auto broken = to(g, as_matrix(x, 4, 300));
  CHECK_THROWS_WITH_AS(
      (void)divergence::mean(g, broken, b, jensen_shannon{}),
      "dispar: divergence: row 2 has no divergence: it holds NaN, infinity or a negative probability, or nothing",
      invalid_argument);
}
