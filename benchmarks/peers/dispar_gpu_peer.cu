/// \file
/// dispar's side of `compare_gpu.py`, on the current device: the protocol and the workloads of dispar_peer.cpp, without five
/// bandwidths. Samples are copied to the device before anything is timed, as the peers do; a gradient stays there and is written
/// to its file untimed.

#include <cmath>
#include <cstdio>
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

void answer_workload(const std::string& line, const request& r, peer::prepared<job>& last, std::ostream& out) {
  last.answer(
      line, r, out, [](const request& of) { return std::make_unique<job>(of); },
      [](job& work) {
        static_cast<void>(work.run());
        return 1e-6 * gpu_workload::peak_extra_bytes([&work] { static_cast<void>(work.run()); });
      },
      [](job& work) {
        const outcome result = work.run();
        device().wait();
        return result;
      });
  if (r.command == "mmd2_gradient") {
    const auto g = to_host(device(), last.work->gradient);
    peer::write_floats(r.text("gradient"), g.data(), static_cast<std::size_t>(g.view().size()));
  }
}

void answer(const std::string& line, peer::prepared<job>& last, std::ostream& out) {
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
  peer::serve<job>([](const std::string& line, peer::prepared<job>& last, std::ostream& out) {
    gpu_workload::keep_freed_memory();
    answer(line, last, out);
  });
}
