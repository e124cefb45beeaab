// Tests and values over lists of kernels, which share passes over the pairs.
#include "dispar/mmd.hpp"
#include "workload.hpp"

namespace {

const dispar::cpu one_thread{.each = {.threads = 1}};

/// Multiply-adds of `kernels` kernels with `labels` labellings each, distances counted once per kernel, whatever was done.
void report(benchmark::State& state, const workload::samples<float>& s, double kernels, double labels) {
  const auto rows = static_cast<double>(s.n + s.m);
  workload::report(state, kernels * rows * rows * (static_cast<double>(s.d) + labels), 4.0 * rows * static_cast<double>(s.d), 1);
}

void estimate_each(benchmark::State& state) {
  const workload::samples<float> s(state.range(0), state.range(0), state.range(1));
  std::vector<dispar::gaussian> kernels;
  for (int i = 0; i < 10; ++i) kernels.push_back({s.bandwidth() * (0.5 + 0.25 * i)});
  for (auto _ : state)
    benchmark::DoNotOptimize(
        dispar::mmd::estimate_each(one_thread, s.x(), s.y(), std::span<const dispar::gaussian>(kernels)).data());
  report(state, s, 10, 0);
}
BENCHMARK(estimate_each)
    ->Name("mmd/estimate_each/cpu-1/float/kernels=10")
    ->ArgsProduct({{2000}, {64, 768}})
    ->ArgNames({"n=m", "d"})
    ->Unit(benchmark::kMillisecond);

void aggregated_test(benchmark::State& state) {
  const workload::samples<float> s(state.range(0), state.range(0), state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(dispar::mmd::aggregated_test(one_thread, s.x(), s.y()).u);
  report(state, s, 20, 4001);
}
BENCHMARK(aggregated_test)
    ->Name("mmd/aggregated_test/cpu-1/float")
    ->ArgsProduct({{500, 1000}, {64, 768}})
    ->ArgNames({"n=m", "d"})
    ->Unit(benchmark::kMillisecond);

void fused_test(benchmark::State& state) {
  const workload::samples<float> s(state.range(0), state.range(0), state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(dispar::mmd::fused_test(one_thread, s.x(), s.y()).statistic);
  report(state, s, 20, 2001);
}
BENCHMARK(fused_test)
    ->Name("mmd/fused_test/cpu-1/float")
    ->ArgsProduct({{500, 1000}, {64, 768}})
    ->ArgNames({"n=m", "d"})
    ->Unit(benchmark::kMillisecond);

}  // namespace
