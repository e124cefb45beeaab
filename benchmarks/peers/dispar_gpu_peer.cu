/// \file
/// dispar's side of `compare_gpu.py`, on the current device: the protocol and the workloads of dispar_peer.cpp, without five
/// bandwidths. Samples are copied to the device before anything is timed, as the peers do; a gradient stays there and is written
/// to its file untimed.

#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <memory>

#include "dispar/backend/gpu.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/gradient.hpp"
#include "dispar/mmd/permutation_test.hpp"
#include "gpu/ceiling.hpp"
#include "gpu/memory_pool.hpp"
#include "peer_protocol.hpp"

namespace {

using dispar::gpu;
using peer::outcome;
using peer::request;

[[nodiscard]] gpu device() {
  static dispar::cuda_context context;
  return {&context};
}

[[nodiscard]] dispar::array<float, 2, gpu> read_rows(const request& r, const char* file, const char* rows) {
  const dispar::index n = r.integer(rows), d = r.integer("d");
  return to(device(), dispar::as_matrix(peer::read_floats(r.text(file), n * d), n, d));
}

struct job {
  request r;
  dispar::array<float, 2, gpu> x, y, gradient;

  explicit job(const request& line) : r(line), x(read_rows(r, "x", "n")), y(read_rows(r, "y", "m")) {
    if (r.command == "mmd2_gradient") gradient = dispar::array<float, 2, gpu>(device(), x.extents());
  }

  [[nodiscard]] outcome run() {
    const dispar::gaussian kernel{.sigma = std::sqrt(0.5 / r.number("gamma"))};
    if (r.command == "mmd2_unbiased") return {dispar::mmd::estimate(device(), x, y, kernel)};
    if (r.command == "mmd2_gradient") return {dispar::mmd::value_and_gradient(device(), x, y, kernel, {.x = {gradient.view()}})};
    if (r.command == "permutation_test") {
      const auto t = dispar::mmd::permutation_test(device(), x, y, kernel,
                                                   {.permutations = static_cast<int>(r.integer("permutations")), .seed = 1});
      return {t.statistic, t.threshold, t.p_value};
    }
    throw std::runtime_error("unknown command: " + r.command);
  }
};

[[nodiscard]] double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct prepared {
  std::string line;
  std::unique_ptr<job> work;
  double extra_mb = 0;
};

void answer_workload(const std::string& line, const request& r, prepared& last, std::ostream& out) {
  if (last.line != line) {
    last.work = std::make_unique<job>(r);
    last.line = line;
    static_cast<void>(last.work->run());
    last.extra_mb = 1e-6 * gpu_workload::peak_extra_bytes([&] { static_cast<void>(last.work->run()); });
  }
  for (dispar::index i = 0; i < r.warmups(); ++i) static_cast<void>(last.work->run());

  const double cpu_before = cpu_seconds();
  const auto before = std::chrono::steady_clock::now();
  const outcome result = last.work->run();
  device().wait();
  const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - before;
  const double cpu_ms = 1e3 * (cpu_seconds() - cpu_before);

  peer::write_outcome(out, r, result, wall.count(), cpu_ms, last.extra_mb);
  if (r.command == "mmd2_gradient") {
    const auto g = to_host(device(), last.work->gradient);
    peer::write_floats(r.text("gradient"), g.data(), static_cast<std::size_t>(g.view().size()));
  }
}

void answer(const std::string& line, prepared& last, std::ostream& out) {
  const request r(line);
  if (r.command == "info") {
    int current = 0;
    cudaDeviceProp properties{};
    gpu_workload::detail::check(cudaGetDevice(&current), "cudaGetDevice");
    gpu_workload::detail::check(cudaGetDeviceProperties(&properties, current), "cudaGetDeviceProperties");
    out << "{" << peer::name_and_version() << ", \"device\": \"" << peer::escaped(properties.name)
        << "\", \"architecture\": \"sm_" << properties.major << properties.minor << "\", \"compiler\": \"nvcc "
        << __CUDACC_VER_MAJOR__ << '.' << __CUDACC_VER_MINOR__ << "\"}";
  } else if (r.command == "peak") {
    const auto rates = gpu_ceiling::measure();
    out << "{\"fma_gflops\": " << rates.ffma_gflops << ", \"tf32_gflops\": " << rates.tf32_gflops
        << ", \"bf16_gflops\": " << rates.bf16_gflops << ", \"copy_gbs\": " << rates.copy_gbs << "}";
  } else {
    answer_workload(line, r, last, out);
  }
}

}  // namespace

int main() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0) {
    std::fprintf(stderr, "dispar_gpu_peer: no GPU (%s)\n", cudaGetErrorString(status));
    return 1;
  }
  prepared last;
  peer::serve([&last](const std::string& line, std::ostream& out) {
    gpu_workload::keep_freed_memory();
    try {
      answer(line, last, out);
    } catch (...) {
      last = {};
      throw;
    }
  });
}
