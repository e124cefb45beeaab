#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "dispar/backend/default.hpp"
#include "dispar/kernels/identity.hpp"
#include "dispar/mmd/normal_test.hpp"
#include "dispar/mmd/pair_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// How a block test is made.
struct block_options {
  index size = 0;  ///< rows of X, and of Y, in a block; 0: floor(sqrt(min(n, m))), the choice of the paper
};

namespace detail {

/// Rows per block; throws where two blocks of two rows do not fit.
[[nodiscard]] inline index checked_block_size(index n, index m, const block_options& o) {
  require(o.size >= 0, "block_test: size", "must not be negative", static_cast<double>(o.size));
  const index rows = n < m ? n : m;
  require(rows >= 4, "block_test: rows of the smaller sample", "must be at least 4", static_cast<double>(rows));
  const index size = o.size > 0 ? o.size : static_cast<index>(std::sqrt(static_cast<double>(rows)));
  require(size >= 2, "block_test: size", "must be at least 2", static_cast<double>(size));
  require(rows / size >= 2, "block_test: size", "must leave at least 2 blocks", static_cast<double>(size));
  return size;
}

/// The statistic of a block of `size` rows by the sums of k within X, within Y and across: each unordered pair once, across
/// twice.
struct write_block_terms {
  const double* sums;
  index size;
  double* terms;
  DISPAR_FN void operator()(index i) const {
    const double* const s = sums + 3 * i;
    terms[i] = 2 * ((s[0] + s[1]) - s[2]) / (static_cast<double>(size) * static_cast<double>(size - 1));
  }
};

/// `terms` by the first rows of x and y.
template<backend B, class S, pair_function K>
void block_terms(const B& b, const S& x, const S& y, const K& k, index size, array<double, 1, B>& terms) {
  using T = typename S::value_type;
  using space = typename B::space;
  constexpr index most = 1024;  // blocks at a time: a GPU keeps partial sums of each
  const unmatched<kernel_value<K, T>> operation{kernel_value<K, T>(k)};
  const index count = terms.extents()[0];
  std::vector<S> segments;
  std::vector<pair_block> blocks;
  array<double, 2, B> sums(b, {3 * std::min(count, most), 1});
  for (index begin = 0; begin < count; begin += most) {
    const index now = std::min(count - begin, most);
    segments.clear();
    blocks.clear();
    for (int i = 0; i < static_cast<int>(now); ++i) {
      const int first = 2 * i, second = first + 1;
      segments.push_back(x.slice((begin + i) * size, size));
      segments.push_back(y.slice((begin + i) * size, size));
      blocks.insert(blocks.end(), {{first, first, true}, {second, second, true}, {first, second, false}});
    }
    pairwise(b, pack_samples<typename K::metric>(b, segments), operation, blocks, std::span<const vector_view<const T, space>>(),
             total<0, 1, space>{sums.view().slice(0, 3 * now)});
    for_each_index(b, now, write_block_terms{sums.data(), size, terms.data() + begin});
  }
}

/// The rows i and j of X and of Y for all pairs i < j of a block, block after block: rows i and i + r for r = 1, then 2, ...
/// around the block, which has every pair once.
struct rows_within_blocks {
  static constexpr bool on_device = true;
  index size;
  DISPAR_FN index pairs() const { return size * (size - 1) / 2; }
  DISPAR_FN term_rows operator()(index t) const {
    const index first = t / pairs() * size, p = t % pairs();
    const index i = first + p % size, j = first + (p % size + 1 + p / size) % size;
    return {i, j, i, j};
  }
};

/// terms[i] = the mean of `pairs` numbers.
struct write_means {
  const double* numbers;
  index pairs;
  double* terms;
  DISPAR_FN void operator()(index i) const {
    double sum = 0;
    for (index p = i * pairs; p < (i + 1) * pairs; ++p) sum += numbers[p];
    terms[i] = sum / static_cast<double>(pairs);
  }
};

}  // namespace detail

/// The B-test: the mean over blocks of consecutive rows of the U-statistic of each block (the one-sample form), with its
/// standard error from the spread of the blocks and the p-value of its normal limit: with b rows a block, for each block
///
///     U = sum_{i != j} (k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)) / (b (b - 1)).
///
///     auto t = mmd::block_test(cpu{}, x, y, gaussian{sigma}, {.size = 50});
///
/// Between the linear-time estimate (size 2) and the quadratic one. The first min(n, m) rows of both samples, less those that
/// fill no block: shuffle sorted data first. The normal limit needs many blocks: under P = Q they are skewed, and with few the
/// test rejects too rarely (with 200 blocks of 10 rows, 3.4 % of 2000 trials at level 0.05).
/// Time O(n size d); memory 8 bytes a block and one copy of 1,024 blocks of both samples, the rows of a block rounded up to the
/// vector width, on a GPU to 64. Throws as `estimate`, for weights and for fewer than 2 blocks of 2 rows.
/// Zaremba, Gretton and Blaschko, NIPS 2013.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] normal_test_result block_test(const B& b, const X& x, const Y& y, const K& k, const block_options& o = {}) {
  result<normal_test_result, B> test(b);
  block_test(b, x, y, k, test.view(), o);
  return test.get();
}
/// The same, written to `out`; asynchronous as `estimate` with an output.
template<backend B, sample_like X, sample_like Y, pair_function K, class R>
void block_test(const B& b, const X& x, const Y& y, const K& k, const scalar_view<normal_test_result, R>& out,
                const block_options& o = {}) {
  using S = sample_type<X>;
  static_assert(std::is_same_v<S, sample_type<Y>>,
                "dispar: both samples must have the same element type, number of channels and memory space");
  detail::require_output<B>(out, "block_test: out");
  const S all_x = as_sample(x), all_y = as_sample(y);
  require(!all_x.weights && !all_y.weights, "block_test: samples", "must have no weights");
  const index size = detail::checked_block_size(all_x.rows(), all_y.rows(), o);
  array<double, 1, B> terms(b, {std::min(all_x.rows(), all_y.rows()) / size});
  detail::block_terms(b, all_x, all_y, k, size, terms);
  detail::normal_test(b, terms, out.data());
}

/// The same from a kernel matrix, of which the blocks along the diagonals are read. Memory: 8 bytes for every pair i < j of a
/// block.
///@{
template<backend B, class T, class S>
[[nodiscard]] normal_test_result block_test(const B& b, const given_gram<T, S>& gram, const block_options& o = {}) {
  result<normal_test_result, B> test(b);
  block_test(b, gram, test.view(), o);
  return test.get();
}
template<backend B, class T, class S, class R>
void block_test(const B& b, const given_gram<T, S>& gram, const scalar_view<normal_test_result, R>& out,
                const block_options& o = {}) {
  detail::require_output<B>(out, "block_test: out");
  const auto samples = detail::make_two_samples(b, gram);
  const index size = detail::checked_block_size(samples.n(), samples.m(), o);
  const detail::rows_within_blocks rows{size};
  array<double, 1, B> terms(b, {std::min(samples.n(), samples.m()) / size}), pairs(b, {terms.extents()[0] * rows.pairs()});
  detail::pair_terms(b, samples, identity<>{}, rows, pairs);
  for_each_index(b, terms.extents()[0], detail::write_means{pairs.data(), rows.pairs(), terms.data()});
  detail::normal_test(b, terms, out.data());
}
///@}

/// The same on the default backend.
template<backend B = default_backend, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] normal_test_result block_test(const X& x, const Y& y, const K& k, const block_options& o = {}) {
  return block_test(B{}, x, y, k, o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
