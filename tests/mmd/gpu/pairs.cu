// What needs some pairs, or groups of rows, on the GPU against the CPU: the linear-time, block and incomplete tests, scores of
// single rows, groups, the median distance, the kernel matrix.
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/batched.hpp"
#include "dispar/mmd/block.hpp"
#include "dispar/mmd/gram.hpp"
#include "dispar/mmd/incomplete.hpp"
#include "dispar/mmd/linear_time.hpp"
#include "dispar/mmd/median_heuristic.hpp"
#include "dispar/mmd/single_instance.hpp"
#include "mmd/gpu/device_rows.hpp"

namespace {

using namespace dispar;
using gpu_tests::close;
using gpu_tests::device_rows;

const gpu g = gpu_tests::device();
const gaussian k{2};

void check(const mmd::normal_test_result& a, const mmd::normal_test_result& b) {
  CHECK(a.statistic == doctest::Approx(b.statistic).epsilon(1e-11));
  CHECK(a.p_value == doctest::Approx(b.p_value).epsilon(1e-9));
}

}  // namespace

TEST_CASE("gpu: linear-time, block and incomplete tests, of samples and of kernel matrices") {
  const device_rows<double> x(141, 3, 1), y(133, 3, 2, 0.3), gram(80, 80, 3);
  check(mmd::linear_time(g, x.view(), y.view(), k), mmd::linear_time(cpu{}, x.host(), y.host(), k));
  check(mmd::block_test(g, x.view(), y.view(), k), mmd::block_test(cpu{}, x.host(), y.host(), k));
  check(mmd::block_test(g, x.view(), y.view(), k, {.size = 40}), mmd::block_test(cpu{}, x.host(), y.host(), k, {.size = 40}));
  check(mmd::incomplete(g, x.view(), y.view(), k, {.terms = 300}), mmd::incomplete(cpu{}, x.host(), y.host(), k, {.terms = 300}));
  const auto device_gram = mmd::given(gram.view(), 40);
  const auto host_gram = mmd::given(gram.host(), 40);
  check(mmd::linear_time(g, device_gram), mmd::linear_time(cpu{}, host_gram));
  check(mmd::block_test(g, device_gram), mmd::block_test(cpu{}, host_gram));
  check(mmd::incomplete(g, device_gram), mmd::incomplete(cpu{}, host_gram));
}

TEST_CASE("gpu: scores of single rows against a reference") {
  const device_rows<double> reference(70, 3, 1), y(33, 3, 2, 0.3);
  const mmd::reference_scores score(g, reference.view(), k);
  CHECK(close(score(y.view()), mmd::single_instance_scores(cpu{}, reference.host(), y.host(), k), 1e-12));
  CHECK(score(y.view().slice(5, 1))[0] == score(y.view())[5]);
}

TEST_CASE("gpu: groups") {
  const device_rows<double> x(70, 3, 1), y(75, 3, 2, 0.3);
  const std::vector<dispar::index> ox{0, 30, 31, 70}, oy{5, 7, 40, 75};
  const mmd::options o{.form = mmd::estimator::biased};
  const auto on_gpu = mmd::batched_estimate(g, mmd::grouped(x.view(), ox), mmd::grouped(y.view(), oy), k, o);
  CHECK(close(on_gpu, mmd::batched_estimate(cpu{}, mmd::grouped(x.host(), ox), mmd::grouped(y.host(), oy), k, o), 1e-12));
  CHECK(on_gpu[2] == mmd::estimate(g, x.view().slice(31, 39), y.view().slice(40, 35), k, o));
}

TEST_CASE("gpu: the median distance and the kernel matrix") {
  const device_rows<double> x(41, 3, 1), y(30, 3, 2, 0.3);
  CHECK(median_heuristic(g, x.view(), y.view()) == doctest::Approx(median_heuristic(cpu{}, x.host(), y.host())).epsilon(1e-13));
  CHECK(median_heuristic(g, x.view(), y.view(), {.most_rows = 30}) ==
        doctest::Approx(median_heuristic(cpu{}, x.host(), y.host(), {.most_rows = 30})).epsilon(1e-13));
  std::vector<double> on_gpu(71 * 71), on_cpu(71 * 71);
  mmd::gram(g, x.view(), y.view(), k, as_matrix(on_gpu, 71, 71));
  mmd::gram(cpu{}, x.host(), y.host(), k, as_matrix(on_cpu, 71, 71));
  CHECK(close(on_gpu, on_cpu, 1e-13));
}
