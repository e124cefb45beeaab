// Forms that write to device memory: no allocation, upload or wait in their second call; CUDA graphs; errors.
#include "dispar/mmd/estimate.hpp"

#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/estimate_each.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace {

using namespace dispar;
using gpu_tests::changing_rows;
using gpu_tests::check_asynchronous;
using gpu_tests::counted_stream;
using mmd::estimator;

const gaussian kernel{2};

/// Two samples and a result on a stream of their own.
struct two_samples {
  counted_stream s;
  gpu b = s.backend();
  changing_rows<float> x, y;
  result<double, gpu> value{b};

  two_samples(dispar::index n, dispar::index m, dispar::index d) : x(b, n, d), y(b, m, d) { fill(1); }
  void fill(std::uint64_t seed) {
    x.fill(10 * seed);
    y.fill(10 * seed + 1, 0.3);
  }
};

}  // namespace

TEST_CASE("gpu, asynchronous estimate: every form, and sums") {
  two_samples t(70, 70, 5);
  const auto fill = [&](std::uint64_t seed) { t.fill(seed); };
  for (const auto form : {estimator::biased, estimator::unbiased, estimator::one_sample}) {
    const mmd::options o{.xx = 0.7, .form = form};
    check_asynchronous(
        t.s, [&] { mmd::estimate(t.b, t.x.view(), t.y.view(), kernel, t.value.view(), o); }, fill, [&] { return t.value.get(); },
        [&] { return mmd::estimate(t.b, t.x.view(), t.y.view(), kernel, o); });
  }
  result<mmd::sums, gpu> sums(t.b);
  const auto biased = [](const mmd::sums& s) { return mmd::statistic(s, 70, 70, {.form = estimator::biased}); };
  check_asynchronous(
      t.s, [&] { mmd::accumulate(t.b, t.x.view(), t.y.view(), kernel, sums.view()); }, fill, [&] { return biased(sums.get()); },
      [&] { return biased(mmd::accumulate(t.b, t.x.view(), t.y.view(), kernel)); });
}

TEST_CASE("gpu, asynchronous estimate: weights stay on the device; many kernels; a kernel matrix; managed memory") {
  two_samples t(66, 40, 3);
  changing_rows<float> u(t.b, 66, 1);
  const vector_view<const float, device> weights(u.memory.data(), 66);
  const auto fill = [&](std::uint64_t seed) {
    t.fill(seed);
    std::vector<float> w;
    for (std::uint64_t i = 0; i < 66; ++i) w.push_back(static_cast<float>((i + seed) % 5));
    cudaMemcpyAsync(u.memory.data(), w.data(), u.memory.bytes(), cudaMemcpyHostToDevice, t.b.stream());
    t.b.wait();
  };
  check_asynchronous(
      t.s, [&] { mmd::estimate(t.b, weighted(t.x.view(), weights), t.y.view(), kernel, t.value.view()); }, fill,
      [&] { return t.value.get(); }, [&] { return mmd::estimate(t.b, weighted(t.x.view(), weights), t.y.view(), kernel); });

  const std::array kernels{gaussian{1}, gaussian{2}, gaussian{3}, gaussian{4}, gaussian{5}, gaussian{6}};
  array<double, 1, gpu> values(t.b, {6});
  const std::span<const gaussian> list(kernels);
  check_asynchronous(
      t.s, [&] { mmd::estimate_each(t.b, t.x.view(), t.y.view(), list, values.view(), {.form = estimator::biased}); }, fill,
      [&] {
        const auto copy = to_host(t.b, values);
        return std::vector<double>(copy.data(), copy.data() + 6);
      },
      [&] { return mmd::estimate_each(t.b, t.x.view(), t.y.view(), list, {.form = estimator::biased}); });

  changing_rows<double> gram(t.b, 90, 90);
  array<double, 1, managed_memory> managed(managed_memory{t.b.context}, {1});
  check_asynchronous(
      t.s, [&] { mmd::estimate(t.b, mmd::given(gram.view(), 40), scalar_view<double, dispar::managed>(managed.data())); },
      [&](std::uint64_t seed) { gram.fill(seed); },
      [&] {
        t.b.wait();
        return *managed.data();
      },
      [&] { return mmd::estimate(t.b, mmd::given(gram.view(), 40)); });
}

TEST_CASE("gpu, asynchronous estimate: bad data is thrown by the next wait, from a graph too") {
  two_samples t(70, 80, 3);
  const auto call = [&] { mmd::estimate(t.b, t.x.view(), t.y.view(), kernel, t.value.view()); };
  call();
  const double good = t.value.get();
  const gpu_tests::graph replay(t.s.stream(), call);
  const float nan = std::nanf("");
  const auto spoil = [&](float value) {
    cudaMemcpyAsync(t.y.memory.data() + 67 * 3 + 2, &value, sizeof value, cudaMemcpyHostToDevice, t.b.stream());
    t.b.wait();
  };
  const float before = to_host(t.b, t.y.memory).data()[67 * 3 + 2];
  for (const bool from_graph : {false, true}) {
    spoil(nan);
    from_graph ? replay.launch() : call();
    CHECK_THROWS_WITH_AS(t.b.wait(), "dispar: sample 1: element (67, 2) is NaN or infinite", invalid_argument);
    t.b.wait();  // said once
    spoil(before);
    from_graph ? replay.launch() : call();
    CHECK(t.value.get() == good);
  }
  array<float, 1, gpu> weights = to(t.b, std::vector<float>(70, -1.0f));
  mmd::estimate(t.b, weighted(t.x.view(), weights), t.y.view(), kernel, t.value.view());
  CHECK_THROWS_WITH_AS(t.b.wait(), "dispar: weighted: weights must be finite and not negative, got -1", invalid_argument);
  weights = to(t.b, std::vector<float>(70, 0.0f));
  mmd::estimate(t.b, weighted(t.x.view(), weights), t.y.view(), kernel, t.value.view());
  CHECK_THROWS_WITH_AS(t.b.wait(), "dispar: weighted: weights must not all be 0, got 0", invalid_argument);
}

TEST_CASE("gpu: one call of a shape leaves all memory that the next one needs") {
  for (const dispar::index d : {1, 3, 8, 20}) {  // tables by shape must not take the place of a temporary of their size
    two_samples t(20, 30, d);
    const auto call = [&] { mmd::estimate(t.b, t.x.view(), t.y.view(), kernel, t.value.view()); };
    call();
    const double value = t.value.get();
    const long before = t.s.forbidden_calls();
    const gpu_tests::graph replay(t.s.stream(), call);
    CHECK(t.s.forbidden_calls() == before);
    replay.launch();
    CHECK(t.value.get() == value);
  }
}

TEST_CASE("gpu: what a graph cannot capture says so, and the capture goes on") {
  two_samples t(20, 30, 3);
  const auto call = [&](dispar::index rows) {
    mmd::estimate(t.b, t.x.view().slice(0, rows), t.y.view(), kernel, t.value.view());
  };
  call(20);
  CHECK(mmd::estimate(t.b, t.x.view(), t.y.view(), kernel) == t.value.get());
  const gpu_tests::graph replay(t.s.stream(), [&] {
    CHECK_THROWS_AS(call(19), invalid_argument);  // a shape that has not run
    CHECK_THROWS_WITH_AS((void)mmd::estimate(t.b, t.x.view(), t.y.view(), kernel),
                         "dispar: gpu: a call that waits for its result cannot be captured in a CUDA graph", invalid_argument);
    CHECK_THROWS_AS(t.b.wait(), invalid_argument);
    CHECK_THROWS_AS((void)to(t.b, std::vector<float>(4)), invalid_argument);
    call(20);
  });
  replay.launch();
  CHECK(t.value.get() == mmd::estimate(t.b, t.x.view(), t.y.view(), kernel));
  CHECK_THROWS_AS(mmd::estimate(t.b, t.x.view(), t.y.view(), kernel, scalar_view<double, device>()), invalid_argument);
}

TEST_CASE("gpu: a context gives its memory back") {
  gpu_tests::counted_memory memory;
  {
    cuda_context context{nullptr, &memory};
    const gpu b{&context};
    const auto x = to(b, std::vector<double>(60, 1.0));
    const double once = mmd::estimate(b, as_matrix(x, 20, 3), as_matrix(x, 20, 3), kernel);
    CHECK(memory.held > 1);
    context.release();
    CHECK(memory.held == 1);
    CHECK(mmd::estimate(b, as_matrix(x, 20, 3), as_matrix(x, 20, 3), kernel) == once);
  }
  CHECK(memory.held == 0);
}
