// Merges of floats and of numbers of 16 bits on the GPU, and by graphs.
#include "decoding/gpu/merge_checks.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace decoding_tests {

TEST_CASE("merges on the GPU: floats, and numbers of 16 bits") {
  check<float, false>(2, 9);
  check<dispar::bfloat16, false>(2, 520);
}

TEST_CASE("merges on the GPU: nothing is allocated, uploaded or waited for; a graph replays them on new logits") {
  gpu_tests::counted_stream s;
  const gpu b = s.backend();
  gpu_tests::changing_rows<float> full(b, 2, 9000), others[] = {{b, 2, 9000}, {b, 2, 9000}, {b, 2, 9000}};
  array<float, 2, gpu> merged(b, {2, 9000}), again(b, {2, 9000});
  array<double, 1, gpu> weights(b, {2});
  const auto call = [&](const matrix_view<float, device>& out) {
    decoding::adacad(b, full.view(), others[0].view(), out, {.alpha = weights.view()});
    decoding::inter(b, out, others[0].view(), others[1].view(), others[2].view(), out, {.k = 0.1});
  };
  const auto numbers_of = [&](const array<float, 2, gpu>& out) {
    const auto there = dispar::to_host(b, out);
    return std::vector<float>(there.data(), there.data() + 18000);
  };
  gpu_tests::check_asynchronous(
      s, [&] { call(merged.view()); },
      [&](std::uint64_t seed) {
        full.fill(seed);
        for (auto& x : others) x.fill(++seed + 10);
      },
      [&] { return numbers_of(merged); },
      [&] {
        call(again.view());
        return numbers_of(again);
      });
}

}  // namespace decoding_tests
