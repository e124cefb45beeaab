// Chains of samplers on the GPU: what is special, and what is no row; captured in a graph.
#include <tuple>

#include "decoding/gpu/chain_checks.hpp"
#include "dispar/decoding/greedy.hpp"
#include "dispar/decoding/repetition_penalty.hpp"

namespace decoding_tests {

TEST_CASE("decoding on the GPU: exact boundaries, greedy, temperature 0") {
  const auto top = [](double p) { return std::tuple{temperature{1}, top_k{0}, top_p{p}}; };
  const auto check_top = [&](const std::vector<double>& x, index kept, double p) {
    std::apply([&](const auto&... steps) { check(x, sorted_row(x).top_k(static_cast<std::size_t>(kept)), steps...); }, top(p));
  };
  check_top({0, 0}, 1, 0.5);
  check_top({1, 1, 1, 1, 1}, 3, 0.6);
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
