// The linear-time, block and incomplete tests and kernel matrices written to device memory, captured as graphs.
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/block.hpp"
#include "dispar/mmd/gram.hpp"
#include "dispar/mmd/incomplete.hpp"
#include "dispar/mmd/linear_time.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace {

using namespace dispar;
using gpu_tests::changing_rows;
using gpu_tests::check_asynchronous;
using gpu_tests::counted_stream;

const gaussian kernel{2};

[[nodiscard]] std::array<double, 3> numbers(const mmd::normal_test_result& t) {
  return {t.statistic, t.standard_error, t.p_value};
}

/// Two samples, a kernel matrix over 60 rows, and a result on a stream of their own.
struct tests_by_pairs {
  counted_stream s;
  gpu b = s.backend();
  changing_rows<float> x{b, 70, 3}, y{b, 77, 3};
  changing_rows<double> matrix{b, 60, 60};
  result<mmd::normal_test_result, gpu> test{b};

  [[nodiscard]] auto gram() const { return mmd::given(matrix.view(), 31); }
  /// `write(out)` against `value()`.
  template<class Write, class Value>
  void check(const Write& write, const Value& value) {
    check_asynchronous(
        s, [&] { write(test.view()); },
        [&](std::uint64_t seed) {
          x.fill(10 * seed);
          y.fill(10 * seed + 1, 0.3);
          matrix.fill(10 * seed + 2);
        },
        [&] { return numbers(test.get()); }, [&] { return numbers(value()); });
  }
};

}  // namespace

TEST_CASE("gpu, asynchronous tests by pairs: linear time, blocks, random terms") {
  tests_by_pairs t;
  t.check([&](const auto& out) { mmd::linear_time(t.b, t.x.view(), t.y.view(), kernel, out); },
          [&] { return mmd::linear_time(t.b, t.x.view(), t.y.view(), kernel); });
  t.check([&](const auto& out) { mmd::linear_time(t.b, t.gram(), out); }, [&] { return mmd::linear_time(t.b, t.gram()); });
  for (const dispar::index size : {0, 3, 30}) {
    const mmd::block_options o{.size = size};
    t.check([&](const auto& out) { mmd::block_test(t.b, t.x.view(), t.y.view(), kernel, out, o); },
            [&] { return mmd::block_test(t.b, t.x.view(), t.y.view(), kernel, o); });
  }
  t.check([&](const auto& out) { mmd::block_test(t.b, t.gram(), out); }, [&] { return mmd::block_test(t.b, t.gram()); });
  const mmd::incomplete_options o{.terms = 300, .seed = 5};
  t.check([&](const auto& out) { mmd::incomplete(t.b, t.x.view(), t.y.view(), kernel, out, o); },
          [&] { return mmd::incomplete(t.b, t.x.view(), t.y.view(), kernel, o); });
  t.check([&](const auto& out) { mmd::incomplete(t.b, t.gram(), out, o); }, [&] { return mmd::incomplete(t.b, t.gram(), o); });
}

TEST_CASE("gpu, given terms: without a wait, and not in a graph") {
  tests_by_pairs t;
  t.x.fill(1);
  t.y.fill(2);
  const std::vector<std::int64_t> design{0, 1, 2, 3, 69, 0, 5, 4};
  const mmd::incomplete_options o{.given = {design.data(), 4, 2}};
  const auto call = [&] { mmd::incomplete(t.b, t.x.view(), t.y.view(), kernel, t.test.view(), o); };
  call();
  CHECK(numbers(t.test.get()) == numbers(mmd::incomplete(t.b, t.x.view(), t.y.view(), kernel, o)));
#if defined(DISPAR_CUDA_EMULATION)
  const auto before = cuda_emulation::calls();
  call();
  CHECK(cuda_emulation::calls().waits == before.waits);
  CHECK(cuda_emulation::calls().allocations == before.allocations);
#endif
  const gpu_tests::graph empty(t.s.stream(), [&] {
    CHECK_THROWS_WITH_AS(call(), "dispar: gpu: a call with data on the host cannot be captured in a CUDA graph",
                         invalid_argument);
  });
  using out = scalar_view<mmd::normal_test_result, device>;
  CHECK_THROWS_AS(mmd::incomplete(t.b, t.x.view(), t.y.view(), kernel, out(), o), invalid_argument);
  CHECK_THROWS_AS(mmd::block_test(t.b, t.x.view(), t.y.view(), kernel, out()), invalid_argument);
  CHECK_THROWS_AS(mmd::linear_time(t.b, t.x.view(), t.y.view(), kernel, out()), invalid_argument);
}

TEST_CASE("gpu, asynchronous kernel matrix: in device memory with gaps, and the same on the host") {
  tests_by_pairs t;
  array<float, 2, gpu> memory(t.b, {147, 150});
  const matrix_view<float, device> out(memory.data(), {147, 147}, {150, 1});
  const std::vector<float> zeros(147 * 150);
  cudaMemcpyAsync(memory.data(), zeros.data(), memory.bytes(), cudaMemcpyHostToDevice, t.b.stream());
  t.b.wait();
  check_asynchronous(
      t.s, [&] { mmd::gram(t.b, t.x.view(), t.y.view(), kernel, out); },
      [&](std::uint64_t seed) {
        t.x.fill(10 * seed);
        t.y.fill(10 * seed + 1);
      },
      [&] {
        const auto copy = to_host(t.b, memory);
        return std::vector<float>(copy.data(), copy.data() + zeros.size());
      },
      [&] {
        std::vector<float> copy(zeros);
        mmd::gram(t.b, t.x.view(), t.y.view(), kernel, matrix_view<float>(copy.data(), {147, 147}, {150, 1}));
        return copy;
      });
}
