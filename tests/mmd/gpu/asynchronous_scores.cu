// Medians and scores of rows written to device memory, captured as graphs; one wait in a form that returns a value.
#include "dispar/mmd/median_heuristic.hpp"

#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/permutation_test.hpp"
#include "dispar/mmd/single_instance.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace {

using namespace dispar;
using gpu_tests::changing_rows;
using gpu_tests::check_asynchronous;
using gpu_tests::counted_stream;

const gaussian kernel{2};

}  // namespace

TEST_CASE("gpu, asynchronous median: odd and even numbers of pairs") {
  for (const dispar::index m : {30, 32}) {
    counted_stream s;
    const gpu b = s.backend();
    changing_rows<float> x(b, 40, 3), y(b, m, 3);
    result<double, gpu> value(b);
    check_asynchronous(
        s, [&] { median_heuristic(b, x.view(), y.view(), value.view(), {.most_rows = 50}); },
        [&](std::uint64_t seed) {
          x.fill(10 * seed);
          y.fill(10 * seed + 1, 1);
        },
        [&] { return value.get(); }, [&] { return median_heuristic(b, x.view(), y.view(), {.most_rows = 50}); });
  }
}

TEST_CASE("gpu, asynchronous scores against a reference") {
  counted_stream s;
  const gpu b = s.backend();
  changing_rows<float> reference(b, 70, 3), y(b, 40, 3);
  reference.fill(9);
  array<double, 1, gpu> scores(b, {40});
  const mmd::reference_scores score(b, reference.view(), kernel);
  check_asynchronous(
      s, [&] { score(y.view(), scores.view()); }, [&](std::uint64_t seed) { y.fill(seed); },
      [&] {
        const auto copy = to_host(b, scores);
        return std::vector<double>(copy.data(), copy.data() + 40);
      },
      [&] { return score(y.view()); });
}

#if defined(DISPAR_CUDA_EMULATION)
TEST_CASE("gpu: a form that returns a value waits once") {
  counted_stream s;
  const gpu b = s.backend();
  changing_rows<float> x(b, 40, 3), y(b, 40, 3);
  x.fill(1);
  y.fill(2);
  const auto waits = [&](const auto& call) {
    const long before = cuda_emulation::calls().waits;
    call();
    return cuda_emulation::calls().waits - before;
  };
  CHECK(waits([&] { (void)mmd::permutation_test(b, x.view(), y.view(), kernel, {.permutations = 50}); }) == 1);
  CHECK(waits([&] { (void)mmd::single_instance_scores(b, x.view(), y.view(), kernel); }) == 1);
  CHECK(waits([&] { (void)median_heuristic(b, x.view(), y.view()); }) == 1);
}
#endif
