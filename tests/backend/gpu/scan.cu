// Scans, selection, order statistics and random access on the GPU: the results of the CPU.
#include "dispar/backend/gpu/scan.hpp"

#include <doctest/doctest.h>

#include "../sort_workload.hpp"
#include "dispar/backend/gpu.hpp"
#include "dispar/backend/host/gather.hpp"
#include "dispar/backend/host/order_statistics.hpp"
#include "dispar/backend/host/scan.hpp"
#include "dispar/backend/host/select.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace {

using namespace dispar;
using sort_workload::keys;

const tiled_host<serial> on_cpu;
// One element, one tile and its edges, several tiles.
const std::array<dispar::index, 5> sizes{0, 1, 2047, 2048, 5000};

template<class T>
std::vector<T> host_copy(const gpu& g, const array<T, 1, gpu>& x) {
  return host_vector(g, vector_view<const T, device>(x.view()));
}

struct odd {
  DISPAR_FN bool operator()(std::int32_t x) const { return x % 2 != 0; }
};

}  // namespace

TEST_CASE("scan on the GPU: integers are those of the CPU, numbers up to rounding and equal from run to run") {
  cuda_context context;
  const gpu g{&context};
  for (const dispar::index size : sizes) {
    CAPTURE(size);
    const auto x = keys<std::int32_t>(size, 100000, 1);
    std::vector<std::int64_t> expected(x.size());
    const auto device_x = to(g, x);
    array<std::int64_t, 1, gpu> out(g, {size});
    inclusive_scan(g, device_x.view(), out.view());
    inclusive_scan(on_cpu, view_of(x), view_of(expected));
    CHECK(host_copy(g, out) == expected);
    exclusive_scan(g, device_x.view(), out.view(), -7);
    exclusive_scan(on_cpu, view_of(x), view_of(expected), -7);
    CHECK(host_copy(g, out) == expected);

    std::vector<double> numbers(x.size()), sums(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) numbers[i] = 0.1 * static_cast<double>(x[i] % 1000 + 1000);
    const auto device_numbers = to(g, numbers);
    array<double, 1, gpu> once(g, {size}), again(g, {size});
    inclusive_scan(g, device_numbers.view(), once.view());
    inclusive_scan(g, device_numbers.view(), again.view());
    inclusive_scan(on_cpu, view_of(numbers), view_of(sums));
    const auto found = host_copy(g, once);
    CHECK(found == host_copy(g, again));
    double worst = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) worst = std::max(worst, std::abs(found[i] - sums[i]) / (sums[i] + 1));
    CHECK(worst < 1e-13);
  }
}

TEST_CASE("scan on the GPU: more tiles than a block has threads") {
  cuda_context context;
  const gpu g{&context};
  const auto x = keys<std::int32_t>(530000, 100000, 1);
  std::vector<std::int64_t> expected(x.size());
  array<std::int64_t, 1, gpu> out(g, {530000});
  const auto device_x = to(g, x);
  inclusive_scan(g, device_x.view(), out.view());
  inclusive_scan(on_cpu, view_of(x), view_of(expected));
  CHECK(host_copy(g, out) == expected);
}

TEST_CASE("select_if on the GPU: what the CPU keeps, and the count on the device") {
  cuda_context context;
  const gpu g{&context};
  for (const dispar::index size : sizes) {
    CAPTURE(size);
    const auto x = keys<std::int32_t>(size, 100000, 2);
    std::vector<std::int32_t> kept(x.size());
    dispar::index expected = -1;
    select_if(on_cpu, view_of(x), odd{}, view_of(kept), scalar_view<dispar::index>(&expected));
    const auto device_x = to(g, x);
    array<std::int32_t, 1, gpu> out(g, {size}), at(g, {size});
    array<dispar::index, 1, gpu> counts(g, {2});
    select_if(g, device_x.view(), odd{}, out.view(), scalar_view<dispar::index, device>(counts.data()));
    select_indices_if(g, device_x.view(), odd{}, at.view(), scalar_view<dispar::index, device>(counts.data() + 1));
    CHECK(host_copy(g, counts) == std::vector<dispar::index>{expected, expected});
    if (expected == 0) continue;
    const auto first = vector_view<const std::int32_t, device>(out.view()).slice(0, expected);
    const auto first_at = vector_view<const std::int32_t, device>(at.view()).slice(0, expected);
    kept.resize(static_cast<std::size_t>(expected));
    CHECK(host_vector(g, first) == kept);
    const auto indices = host_vector(g, first_at);
    std::vector<std::int32_t> named;
    for (const std::int32_t i : indices) named.push_back(x[static_cast<std::size_t>(i)]);
    CHECK(named == kept);
    CHECK(std::is_sorted(indices.begin(), indices.end()));
  }
}

namespace {

template<class T>
void check_order_statistics(dispar::index size, std::span<const dispar::index> ranks) {
  cuda_context context;
  const gpu g{&context};
  const auto x = keys<T>(size, 4000000000u, 3);
  std::vector<T> expected(ranks.size());
  order_statistics(on_cpu, view_of(x), ranks, view_of(expected));
  const auto device_x = to(g, x);
  array<T, 1, gpu> found(g, {static_cast<dispar::index>(ranks.size())});
  order_statistics(g, device_x.view(), ranks, found.view());
  CHECK(sort_workload::same(host_copy(g, found), expected));
}

}  // namespace

TEST_CASE_TEMPLATE("order_statistics on the GPU: those of the CPU", T, float, std::int64_t) {
  check_order_statistics<T>(1, std::array<dispar::index, 1>{0});
  check_order_statistics<T>(700, std::array<dispar::index, 4>{0, 233, 350, 699});
}

TEST_CASE("order_statistics on the GPU: more keys than threads") {
  check_order_statistics<float>(270000, std::array<dispar::index, 1>{135000});
}

TEST_CASE("gather and scatter on the GPU: rows by index; an index outside touches nothing") {
  cuda_context context;
  const gpu g{&context};
  constexpr dispar::index rows = 300, cols = 7;
  const auto x = keys<std::int32_t>(rows * cols, 100000, 4);
  std::vector<std::int32_t> at;
  for (dispar::index i = 0; i < rows; ++i) at.push_back(static_cast<std::int32_t>((i * 7 + 3) % rows));
  const auto device_x = to(g, as_matrix(x, rows, cols));
  const auto device_at = to(g, at);
  array<std::int32_t, 2, gpu> out(g, {rows, cols}), back(g, {rows, cols});
  gather(g, device_x.view(), device_at.view(), out.view());
  scatter(g, out.view(), device_at.view(), back.view());
  std::vector<std::int32_t> expected(x.size());
  gather(on_cpu, as_matrix(x, rows, cols), view_of(at), as_matrix(expected, rows, cols));
  const auto gathered = to_host(g, out), returned = to_host(g, back);
  CHECK(std::equal(expected.begin(), expected.end(), gathered.data()));
  CHECK(std::equal(x.begin(), x.end(), returned.data()));

  const auto numbers = to(g, std::vector<float>{1, 2, 3});
  const auto outside = to(g, std::vector<std::int64_t>{2, 3, -1});
  auto target = to(g, std::vector<float>{7, 7, 7});
  scatter(g, numbers.view(), outside.view(), target.view());
  CHECK(host_copy(g, target) == std::vector<float>{7, 7, 1});
  gather(g, numbers.view(), outside.view(), target.view());
  const auto found = host_copy(g, target);
  CHECK(found[0] == 3);
  CHECK(is_nan(found[1]));
  CHECK(is_nan(found[2]));
}

namespace {

struct positive {
  DISPAR_FN bool operator()(double x) const { return x > 0; }
};

/// What scans, selection, order statistics and random access make of some numbers, one after the other.
template<class B>
struct all_of_them {
  static constexpr dispar::index size = 2500;
  B b;
  array<double, 1, B> sums, kept, middle, taken, put;
  array<dispar::index, 1, B> count;
  array<std::int32_t, 1, B> at;

  explicit all_of_them(const B& b_)
      : b(b_), sums(b, {size}), kept(b, {size}), middle(b, {2}), taken(b, {size}), put(b, {size}), count(b, {2}), at(b, {size}) {}
  template<class View>
  void compute(const View& x) {
    using space = typename B::space;
    const std::array<dispar::index, 2> ranks{size / 3, size - 1};
    exclusive_scan(b, x, sums.view(), 1.0);
    select_if(b, x, positive{}, kept.view(), scalar_view<dispar::index, space>(count.data()));
    select_indices_if(b, x, positive{}, at.view(), scalar_view<dispar::index, space>(count.data() + 1));
    order_statistics(b, x, std::span<const dispar::index>(ranks), middle.view());
    // The first 900 are indices in every case.
    const auto some = at.view().slice(0, 900);
    gather(b, x, some, taken.view().slice(0, 900));
    scatter(b, taken.view().slice(0, 900), some, put.view());
  }
  /// All numbers that were written.
  [[nodiscard]] std::vector<double> numbers() const {
    const auto copy = [&](const auto& of) { return to_host(b, of); };
    const auto s = copy(sums), k = copy(kept), m = copy(middle), t = copy(taken), p = copy(put);
    const auto c = copy(count);
    const auto i = copy(at);
    std::vector<double> all(s.data(), s.data() + size);
    for (double& x : all) x = static_cast<float>(x);  // the GPU adds in another order
    const auto add = [&](const auto* from, dispar::index n) { all.insert(all.end(), from, from + n); };
    add(c.data(), 2);
    add(k.data(), c.data()[0]);
    add(m.data(), 2);
    add(t.data(), 900);
    for (dispar::index e = 0; e < 900; ++e) add(p.data() + i.data()[e], 1);
    return all;
  }
};

}  // namespace

TEST_CASE("scans, selection, order statistics, random access on the GPU: without a wait, and by a graph") {
  gpu_tests::counted_stream s;
  const gpu g = s.backend();
  gpu_tests::changing_rows<double> x(g, all_of_them<gpu>::size, 1);
  const vector_view<const double, device> view(x.memory.data(), all_of_them<gpu>::size);
  all_of_them<gpu> on_gpu(g);
  gpu_tests::check_asynchronous(
      s, [&] { on_gpu.compute(view); }, [&](std::uint64_t seed) { x.fill(seed); }, [&] { return on_gpu.numbers(); },
      [&] {
        const auto numbers = host_vector(g, view);
        all_of_them<tiled_host<serial>> same(on_cpu);
        same.compute(view_of(numbers));
        return same.numbers();
      });
}
