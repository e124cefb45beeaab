// Chains of samplers on the GPU against sorting in double: the same tokens as on the CPU, from every number type; equal from run
// to run; captured in a graph.
#include <doctest/doctest.h>

#include <limits>

#include "decoding/sorted_row.hpp"
#include "dispar/backend/gpu.hpp"
#include "dispar/decoding/categorical.hpp"
#include "dispar/decoding/chain.hpp"
#include "dispar/decoding/greedy.hpp"
#include "dispar/decoding/min_p.hpp"
#include "dispar/decoding/repetition_penalty.hpp"
#include "dispar/decoding/temperature.hpp"
#include "dispar/decoding/top_k.hpp"
#include "dispar/decoding/top_p.hpp"
#include "normal_rows.hpp"

namespace decoding_tests {

namespace {

using namespace dispar::decoding;
using dispar::as_matrix;
using dispar::cuda_context;
using dispar::device;
using dispar::gpu;

constexpr double infinity = std::numeric_limits<double>::infinity();

template<class T>
std::vector<T> numbers(index n, std::uint64_t seed, double factor, bool ties) {
  std::vector<T> x;
  for (const double v : normal_rows<double>(1, n, seed))
    x.push_back(static_cast<T>(static_cast<float>(ties ? std::round(v * 2) : v * factor)));
  return x;
}
template<class T>
std::vector<double> as_doubles(const std::vector<T>& x) {
  std::vector<double> y;
  for (const T v : x) y.push_back(static_cast<double>(static_cast<dispar::computed_type<T>>(v)));
  return y;
}

/// Which tokens the steps keep, and the token that u draws.
template<class T, class... Steps>
void check(const std::vector<T>& x, sorted_row expected, const Steps&... steps) {
  cuda_context context;
  const gpu g{&context};
  const auto n = static_cast<index>(x.size());
  const auto logits = to(g, as_matrix(x, 1, n));
  dispar::array<T, 2, gpu> out(g, {1, n});
  chain{steps...}.filter(g, logits, out.view());
  const auto got = to_host(g, out);
  std::vector<bool> kept(x.size()), wanted(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    kept[i] = static_cast<double>(static_cast<dispar::computed_type<T>>(got.data()[i])) > -infinity;
  for (std::size_t i = 0; i < expected.kept; ++i)
    wanted[static_cast<std::size_t>(expected.order[i])] = expected.at(expected.order[i]) > -infinity;
  CHECK(kept == wanted);
  for (const double u : {0.0, 0.31, 0.95}) {
    const auto uniform = to(g, std::vector<double>{u});
    CHECK(chain{steps..., categorical{}}(g, logits, {.uniforms = uniform.view()})[0] == expected.draw(u));
  }
}

template<class T>
void check_all(index n, double factor, bool ties = false) {
  CAPTURE(n);
  CAPTURE(factor);
  auto x = numbers<T>(n, static_cast<std::uint64_t>(n), factor, ties);
  if (ties)
    for (std::size_t i = 1; i < x.size(); i += 3) x[i] = static_cast<T>(static_cast<float>(-infinity));
  sorted_row row(as_doubles(x)), warm = row;
  warm.scale = 0.5;
  const auto third = static_cast<std::size_t>(n / 3 + 1);
  check(x, row, temperature{1.0});
  check(x, sorted_row(row).top_k(third), top_k{n / 3 + 1});
  check(x, sorted_row(row).top_p(0.9), top_p{0.9});
  check(x, warm.top_k(third).top_p(0.7).min_p(0.2), temperature{2.0}, top_k{n / 3 + 1}, top_p{0.7}, min_p{0.2});
}

}  // namespace

TEST_CASE("decoding on the GPU: filters and draws of floats and doubles") {
  for (const index n : {2, 1500, 9001}) {
    check_all<float>(n, 2);
    check_all<double>(n, 0.1);
  }
  check_all<float>(3000, 1, true);
}

TEST_CASE("decoding on the GPU: numbers of 16 bits") {
  check_all<dispar::half>(700, 1);
  check_all<dispar::bfloat16>(2000, 1);
}

TEST_CASE("decoding on the GPU: exact boundaries, greedy, temperature 0") {
  check<double>({0, 0}, sorted_row(std::vector<double>{0, 0}).top_k(1), top_p{0.5});
  check<double>({1, 1, 1, 1, 1}, sorted_row(std::vector<double>(5, 1.0)).top_k(3), top_p{0.6});
  check<double>({0, -60, -60}, sorted_row(std::vector<double>{0, -60, -60}).top_k(1), nucleus{1.0});
  check<double>({0, 3, 3}, sorted_row(std::vector<double>{0, 3, 3}).top_k(1), nucleus{0.0});
  cuda_context context;
  const gpu g{&context};
  const auto x = to(g, as_matrix(std::vector<float>{1, 5, 5, 0, -1, 2}, 2, 3));
  CHECK(chain{greedy{}}(g, x) == std::vector<std::int64_t>{1, 2});
  CHECK(chain{temperature{0.0}, categorical{}}(g, x) == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("decoding on the GPU: penalties, parameters per row, rows without a distribution") {
  cuda_context context;
  const gpu g{&context};
  const std::vector<double> x{1, -2, 3, -infinity, 0, 6, 1, -2, 3, -infinity, 0, 6};
  auto changed = to(g, as_matrix(x, 2, 6));
  dispar::array<double, 2, gpu> out(g, {2, 6});
  const auto history = to(g, as_matrix(std::vector<std::int64_t>{2, 1, 2, 3, -1, 99, 5, 5, 2, 0, 0, 0}, 2, 6));
  const auto lengths = to(g, std::vector<std::int64_t>{6, 2});
  chain{repetition_penalty{2.0}, occurrence_penalty{.presence = 0.5, .frequency = 0.25}}.filter(
      g, changed, out.view(), 0, {.history = history.view(), .lengths = lengths.view()});
  const auto got = to_host(g, out);
  CHECK(std::vector<double>(got.data(), got.data() + 12) ==
        std::vector<double>{1, -4.75, 0.5, -infinity, 0, 6, 1, -2, 3, -infinity, 0, 2});

  const std::vector<float> rows{1, 2, 3, 1, std::numeric_limits<float>::quiet_NaN(), 3, 1, 2, 3};
  const auto logits = to(g, as_matrix(rows, 3, 3));
  const auto t = to(g, std::vector<double>{1, 1, -1});
  dispar::array<std::int64_t, 1, gpu> tokens(g, {3});
  chain{temperature{t.view()}, greedy{}}(g, logits, tokens.view());
  const auto taken = to_host(g, tokens);
  CHECK(std::vector<std::int64_t>(taken.data(), taken.data() + 3) == std::vector<std::int64_t>{2, -1, -1});
  CHECK_THROWS_AS((void)chain{greedy{}}(g, logits), dispar::invalid_argument);
}

TEST_CASE("decoding on the GPU: a graph draws anew, by the numbers of steps that it reads") {
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreate(&stream) == cudaSuccess);
  {
    cuda_context context{stream};
    const gpu g{&context};
    constexpr index n = 400;
    const auto logits = to(g, as_matrix(numbers<float>(2 * n, 1, 1, false), 2, n));
    const auto steps = to(g, std::vector<std::int64_t>{7, 8});
    dispar::array<std::int64_t, 1, gpu> tokens(g, {2});
    const chain sampler{temperature{0.8}, top_k{50}, top_p{0.95}, categorical{{.seed = 1}}};
    const auto wanted = sampler(g, logits, {.steps = steps.view()});
    sampler(g, logits, tokens.view(), {.steps = steps.view()});
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t launched = nullptr;
    REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    sampler(g, logits, tokens.view(), {.steps = steps.view()});
    REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    REQUIRE(cudaGraphInstantiate(&launched, graph, 0) == cudaSuccess);
    REQUIRE(cudaGraphLaunch(launched, stream) == cudaSuccess);
    const auto got = to_host(g, tokens);
    CHECK(std::vector<std::int64_t>(got.data(), got.data() + 2) == wanted);
    (void)cudaGraphExecDestroy(launched);
    (void)cudaGraphDestroy(graph);
  }
  (void)cudaStreamDestroy(stream);
}

}  // namespace decoding_tests
