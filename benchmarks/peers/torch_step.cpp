// torch_step [--threads N] [--repeat N] [--json FILE]: one step of training with dispar's loss in torch's graph against the same
// step in plain torch operations, alternating in one process that keeps its heap.

#include <ATen/Parallel.h>
#include <malloc.h>
#include <torch/types.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dispar/interop/torch.hpp"
#include "dispar/kernels/deep.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "process_memory.hpp"

namespace {

namespace autograd = dispar::autograd;
using torch::Tensor;

/// Of all rows of z; by one matrix product, as trained in Python.
Tensor squared_distances(const Tensor& z) {
  const auto norms = z.square().sum(1);
  return (norms.unsqueeze(1) + norms.unsqueeze(0) - 2 * z.mm(z.t())).clamp_min(0);
}

struct deep_step {  // J of MMD-MP: features phi are trained, and the kernel
  std::int64_t n, phi_columns, raw_columns;
  Tensor phi_x, phi_y, raw_x, raw_y, s, s0, e;

  deep_step(std::int64_t rows, std::int64_t columns, std::int64_t raw) : n(rows), phi_columns(columns), raw_columns(raw) {
    torch::manual_seed(1);
    phi_x = torch::randn({n, phi_columns}).requires_grad_();
    phi_y = (torch::randn({n, phi_columns}) + 0.3).requires_grad_();
    raw_x = torch::randn({n, raw_columns});
    raw_y = torch::randn({n, raw_columns}) + 0.1;
    s = torch::full({}, std::sqrt(60.0 * static_cast<double>(raw_columns))).requires_grad_();
    s0 = torch::full({}, std::sqrt(static_cast<double>(phi_columns))).requires_grad_();
    e = torch::full({}, 0.1).requires_grad_();
  }
  [[nodiscard]] std::vector<Tensor> leaves() const { return {phi_x, phi_y, s, s0, e}; }
  [[nodiscard]] Tensor ours() const {
    return autograd::mmd_criterion({phi_x, raw_x}, {phi_y, raw_y}, autograd::trainable<dispar::deep_kernel<>>{s, s0, e},
                                   {.yy = 0})
        .value;
  }
  [[nodiscard]] Tensor plain() const {
    const auto by_raw = squared_distances(torch::cat({raw_x, raw_y})) / s.square(), epsilon = e.square();
    const auto by_phi = squared_distances(torch::cat({phi_x, phi_y})) / s0.square();
    const auto k = (1 - epsilon) * (-by_phi - by_raw).exp() + epsilon * (-by_raw).exp();
    const auto across = k.narrow(0, 0, n).slice(1, n);
    const auto h = k.narrow(0, 0, n).narrow(1, 0, n) - across - across.t();
    const auto count = static_cast<double>(n);
    const auto rows = h.sum(1), u = (h.sum() - h.trace()) / (count * (count - 1));
    const auto v = 4 * (rows.square().sum() / std::pow(count, 3) - rows.sum().square() / std::pow(count, 4));
    return u / (v + 1e-8).sqrt();
  }
};

struct gaussian_step {  // MMD^2 of a generator's rows x and real ones
  std::int64_t n;
  double sigma;
  Tensor x, y;

  gaussian_step(std::int64_t rows, std::int64_t columns) : n(rows), sigma(std::sqrt(static_cast<double>(columns))) {
    torch::manual_seed(1);
    x = torch::randn({n, columns}).requires_grad_();
    y = torch::randn({n, columns}) + 0.1;
  }
  [[nodiscard]] std::vector<Tensor> leaves() const { return {x}; }
  [[nodiscard]] Tensor ours() const { return autograd::mmd_estimate(x, y, dispar::gaussian{sigma}); }
  [[nodiscard]] Tensor plain() const {
    const auto k = (squared_distances(torch::cat({x, y})) * (-0.5 / (sigma * sigma))).exp();
    const auto xx = k.narrow(0, 0, n).narrow(1, 0, n), yy = k.slice(0, n).slice(1, n), xy = k.narrow(0, 0, n).slice(1, n);
    const auto count = static_cast<double>(n);
    return (xx.sum() - xx.trace() + yy.sum() - yy.trace()) / (count * (count - 1)) - 2 * xy.mean();
  }
};

struct side {
  std::vector<double> milliseconds;
  double extra_mb = 0, value = 0;

  void measure(const std::vector<Tensor>& leaves, const std::function<Tensor()>& loss, bool memory) {
    const auto step = [&] {
      for (Tensor leaf : leaves) leaf.mutable_grad().reset();
      const auto l = loss();
      l.backward();
      value = l.item<double>();
    };
    if (memory) {
      extra_mb = process_memory::peak_extra_mb(step);
      return;
    }
    const auto begin = std::chrono::steady_clock::now();
    step();
    milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  [[nodiscard]] double median() {
    std::sort(milliseconds.begin(), milliseconds.end());
    return milliseconds[milliseconds.size() / 2];
  }
};

template<class Step>
nlohmann::json compare(const char* workload, const Step& step, const nlohmann::json& sizes, int repeat) {
  side ours, plain;
  for (int i = 0; i < 2; ++i)  // the first warms up
    for (side* s : {&ours, &plain})
      s->measure(
          step.leaves(), [&] { return s == &ours ? step.ours() : step.plain(); }, true);
  for (int i = 0; i < repeat; ++i) {
    ours.measure(
        step.leaves(), [&] { return step.ours(); }, false);
    plain.measure(
        step.leaves(), [&] { return step.plain(); }, false);
  }
  if (!(std::fabs(ours.value - plain.value) <= 1e-3 * std::fabs(plain.value) + 1e-6))
    throw std::runtime_error(std::string(workload) + ": values differ");
  const double a = ours.median(), b = plain.median();
  std::printf("| %s | %s | %.3g | %.3g | %.2f × | %.3g | %.3g |\n", workload, sizes.dump().c_str(), a, b, b / a, ours.extra_mb,
              plain.extra_mb);
  return {{"workload", workload},
          {"sizes", sizes},
          {"dtype", "float32"},
          {"threads", at::get_num_threads()},
          {"ours_ms", a},
          {"peer", std::string("LibTorch ") + TORCH_VERSION + ", plain operations"},
          {"peer_ms", b},
          {"ratio", b / a},
          {"ours_extra_mb", ours.extra_mb},
          {"peer_extra_mb", plain.extra_mb}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("One training step with dispar's losses against the same step in plain torch operations");
  int threads = at::get_num_threads(), repeat = 15;
  std::string file;
  app.add_option("--threads", threads, "of either side");
  app.add_option("--repeat", repeat, "alternated runs, the medians count");
  app.add_option("--json", file, "write the rows there");
  CLI11_PARSE(app, argc, argv);
  mallopt(M_MMAP_MAX, 0);  // the heap is kept: no page faults for temporaries, as in a warmed-up process
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  at::set_num_threads(threads);
  try {
    std::puts(
        "| workload | sizes | ours ms | plain ms | ratio | ours extra MB | plain extra MB |\n|---|---|---|---|---|---|---|");
    const nlohmann::json rows{
        compare("mmd_mp_criterion_step", deep_step(200, 300, 38400), {{"n", 200}, {"m", 200}, {"d", 300}, {"raw", 38400}},
                repeat),
        compare("mmd2_gradient_step", gaussian_step(2000, 64), {{"n", 2000}, {"m", 2000}, {"d", 64}}, repeat)};
    if (!file.empty()) std::ofstream(file) << rows.dump(1) << '\n';
  } catch (const std::exception& e) {
    std::fprintf(stderr, "torch_step: %s\n", e.what());
    return 1;
  }
}
