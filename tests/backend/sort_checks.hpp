#pragma once
/// \file
/// What sorting, scans, selection, order statistics and random access promise, checked on any host backend.

#include <doctest/doctest.h>

#include "dispar/backend/gather.hpp"
#include "dispar/backend/order_statistics.hpp"
#include "dispar/backend/scan.hpp"
#include "dispar/backend/select.hpp"
#include "dispar/backend/sort.hpp"
#include "sort_workload.hpp"

namespace sort_workload {

using dispar::vector_view;
using dispar::view_of;

// Around the sizes where chunks begin, and the largest number of chunks.
inline constexpr std::array<dispar::index, 9> sizes{0, 1, 2, 31, 1000, 8191, 8192, 40001, 300007};

template<class T, class Backend>
void check_sort(const Backend& b, dispar::index size, std::uint32_t spread, sort_order order) {
  const auto x = keys<T>(size, spread, 1);
  const auto at = sorted_indices(x, order);
  const auto expected = taken(x, at);
  CAPTURE(size);
  CAPTURE(spread);

  auto sorted = x;
  sort_keys(b, view_of(x), view_of(sorted), order);
  CHECK(same(sorted, expected));
  sorted = x;
  sort_keys(b, view_of(sorted), view_of(sorted), order);
  CHECK(same(sorted, expected));

  std::vector<std::int64_t> indices(x.size()), moved(x.size());
  sort_indices(b, view_of(x), view_of(indices), order);
  CHECK(indices == at);
  std::vector<std::int32_t> narrow(x.size());
  sort_indices(b, view_of(x), view_of(narrow), order);
  CHECK(std::equal(narrow.begin(), narrow.end(), at.begin()));

  // Values that are not indices, read and written with strides; everything else stays as it was.
  const auto width = static_cast<std::size_t>(size);
  std::vector<std::int64_t> wide_values(3 * width, -1), wide_out(2 * width, -1);
  std::vector<T> wide_keys(2 * width, T(7));
  for (std::size_t i = 0; i < width; ++i) wide_values[3 * i] = 5 * static_cast<std::int64_t>(i);
  sort_pairs(b, view_of(x), vector_view<const std::int64_t>(wide_values.data(), {size}, {3}),
             vector_view<T>(wide_keys.data(), {size}, {2}), vector_view<std::int64_t>(wide_out.data(), {size}, {2}), order);
  bool right = true;
  for (std::size_t i = 0; i < width; ++i) {
    moved[i] = wide_out[2 * i];
    sorted[i] = wide_keys[2 * i];
    right = right && wide_out[2 * i + 1] == -1 && wide_keys[2 * i + 1] == T(7) && moved[i] == 5 * at[i];
  }
  CHECK(right);
  CHECK(same(sorted, expected));
}

template<class T, class Backend>
void check_order_statistics(const Backend& b, dispar::index size, std::uint32_t spread) {
  const auto x = keys<T>(size, spread, 2);
  const auto expected = taken(x, sorted_indices(x, sort_order::ascending));
  const std::array<dispar::index, 6> ranks{0, size / 4, (size - 1) / 2, size / 2, size - 1, size / 3};
  std::array<T, 6> found{};
  order_statistics(b, view_of(x), ranks, view_of(found));
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    CAPTURE(ranks[r]);
    const T wanted = expected[static_cast<std::size_t>(ranks[r])];
    CHECK((nan(wanted) ? nan(found[r]) : found[r] == wanted));
  }
}

struct odd {
  template<class T>
  DISPAR_FN bool operator()(T x) const {
    return static_cast<std::int64_t>(x) % 2 != 0;
  }
};

template<class T, class Backend>
void check_select(const Backend& b, dispar::index size) {
  std::vector<T> x(static_cast<std::size_t>(size)), kept;
  std::vector<std::int32_t> kept_at;
  for (dispar::index i = 0; i < size; ++i) {
    const T value = static_cast<T>(dispar::bounded({5, 0}, i, 1000));
    x[static_cast<std::size_t>(i)] = value;
    if (!odd{}(value)) continue;
    kept.push_back(value);
    kept_at.push_back(static_cast<std::int32_t>(i));
  }
  std::vector<T> out(x.size(), T(-1));
  std::vector<std::int32_t> at(x.size(), -1);
  dispar::index count = -1, count_at = -1;
  select_if(b, view_of(x), odd{}, view_of(out), dispar::scalar_view<dispar::index>(&count));
  select_indices_if(b, view_of(x), odd{}, view_of(at), dispar::scalar_view<dispar::index>(&count_at));
  REQUIRE(count == static_cast<dispar::index>(kept.size()));
  REQUIRE(count_at == count);
  kept.resize(x.size(), T(-1));
  kept_at.resize(x.size(), -1);
  CHECK(out == kept);
  CHECK(at == kept_at);
}

template<class T, class Out, class Backend>
void check_integer_scan(const Backend& b, dispar::index size) {
  std::vector<T> x(static_cast<std::size_t>(size));
  std::vector<Out> inclusive(x.size()), exclusive(x.size()), found(x.size());
  std::make_unsigned_t<Out> sum = 0;
  for (dispar::index i = 0; i < size; ++i) {
    const auto at = static_cast<std::size_t>(i);
    x[at] = static_cast<T>(dispar::bounded({4, 0}, i, 250));
    exclusive[at] = static_cast<Out>(sum + 11u);
    sum += static_cast<std::make_unsigned_t<Out>>(x[at]);
    inclusive[at] = static_cast<Out>(sum);
  }
  inclusive_scan(b, view_of(x), view_of(found));
  CHECK(found == inclusive);
  exclusive_scan(b, view_of(x), view_of(found), 11);
  CHECK(found == exclusive);
}

/// A scan of numbers: close to the sums in long double, and the two kinds in step.
template<class T, class Backend>
std::vector<T> check_real_scan(const Backend& b, dispar::index size) {
  std::vector<T> x(static_cast<std::size_t>(size)), inclusive(x.size()), exclusive(x.size());
  for (dispar::index i = 0; i < size; ++i)
    x[static_cast<std::size_t>(i)] = static_cast<T>(dispar::bounded({6, 0}, i, 1u << 20)) / T(1000);
  inclusive_scan(b, view_of(x), view_of(inclusive));
  exclusive_scan(b, view_of(x), view_of(exclusive));
  long double sum = 0;
  double worst = 0;
  bool in_step = true, ascending = true;
  for (std::size_t i = 0; i < x.size(); ++i) {
    in_step = in_step && exclusive[i] == (i == 0 ? T(0) : inclusive[i - 1]);
    ascending = ascending && inclusive[i] >= exclusive[i];
    sum += static_cast<long double>(x[i]);
    worst = std::max(worst, static_cast<double>(std::abs(static_cast<long double>(inclusive[i]) - sum) / (sum + 1)));
  }
  CHECK(in_step);
  CHECK(ascending);
  CHECK(worst < (sizeof(T) == 4 ? 1e-7 : 1e-14));
  auto in_place = x;
  inclusive_scan(b, view_of(in_place), view_of(in_place));
  CHECK(in_place == inclusive);
  return inclusive;
}

template<class Backend>
void check_gather(const Backend& b, dispar::index rows, dispar::index cols, dispar::index moved) {
  std::vector<float> x(static_cast<std::size_t>(rows * cols)), out(static_cast<std::size_t>(moved * cols)), back(x.size(), -1);
  std::iota(x.begin(), x.end(), 1.0f);
  std::vector<std::int32_t> at;
  for (dispar::index i = 0; i < moved; ++i) at.push_back(static_cast<std::int32_t>((i * 7 + 3) % rows));
  const auto source = dispar::as_matrix(x, rows, cols);
  const auto target = dispar::as_matrix(out, moved, cols);
  gather(b, source, view_of(at), target);
  scatter(b, target, view_of(at), dispar::as_matrix(back, rows, cols));
  bool right = true;
  for (dispar::index i = 0; i < rows; ++i) {
    const bool named = std::find(at.begin(), at.end(), i) != at.end();
    for (dispar::index j = 0; j < cols; ++j)
      right = right && back[static_cast<std::size_t>(i * cols + j)] == (named ? source(i, j) : -1.0f);
  }
  for (dispar::index i = 0; i < moved; ++i)
    for (dispar::index j = 0; j < cols; ++j) right = right && target(i, j) == source(at[static_cast<std::size_t>(i)], j);
  CHECK(right);
  // Columns of a matrix as vectors with a stride.
  std::vector<std::int64_t> wide(at.begin(), at.end());
  std::vector<float> column(at.size());
  gather(b, vector_view<const float>(x.data() + cols - 1, {rows}, {cols}), view_of(wide), view_of(column));
  for (std::size_t i = 0; i < at.size(); ++i) right = right && column[i] == source(at[i], cols - 1);
  CHECK(right);
}

}  // namespace sort_workload
