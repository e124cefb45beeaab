#pragma once
/// \file
/// Many labellings of the pooled rows at once, one bit each: +1 where a row counts as X, -1 where it counts as Y. A float matrix
/// of them would take 32 times the memory.

#include <cstdint>
#include <utility>
#include <vector>

#include "dispar/backend/host/executor.hpp"
#include "dispar/core/pack.hpp"
#include "dispar/core/random/rademacher.hpp"
#include "dispar/core/random/subset.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Labels as the sink `quadratic_forms` takes them: non-owning, bits by row.
struct label_view {
  const std::uint64_t* bits = nullptr;  ///< [row][word of 64 labels]; a set bit is +1
  index words = 0;                      ///< words per row
  index labels = 0;                     ///< labels per row
  index rows = 0;                       ///< how many rows are labelled

  /// Label p of row i as +1 or -1.
  template<class T>
  [[nodiscard]] DISPAR_FN T at(index i, index p) const {
    return (bits[i * words + p / 64] >> (p % 64) & 1) != 0 ? T(1) : T(-1);
  }

  /// Rows first_row .. + rows, labels first .. + count as a row-major matrix of +1 and -1, 0 beyond the last label. `first`
  /// and `count` are multiples of the vector width.
  template<class T>
  void expand(T* target, index first_row, index row_count, index first, index count, index stride) const {
    using V = native_pack<T>;
    constexpr index lanes = native_width<T>;
    for (index i = 0; i < row_count; ++i) {
      const std::uint64_t* const row = bits + (first_row + i) * words;
      T* const out = target + i * stride;
      for (index p = 0; p < count; p += lanes) {
        const index label = first + p;
        if (label + lanes <= labels) {
          signs<V>(row[label / 64] >> (label % 64)).store(out + p);
        } else {
          for (index l = 0; l < lanes; ++l) out[p + l] = label + l < labels ? at<T>(first_row + i, label + l) : T(0);
        }
      }
    }
  }

private:
  /// The lowest bits as +1 and -1.
  template<class V>
  static V signs(std::uint64_t word) {
#if defined(__CUDACC__)
    return V((word & 1) != 0 ? 1 : -1);
#else
    using mask_type = typename V::mask_type;
    using I = bits_of<typename V::scalar>;
    typename mask_type::native bit;
    for (int l = 0; l < V::width; ++l) bit[l] = static_cast<I>(I(1) << l);
    const mask_type set{((static_cast<I>(word) - typename mask_type::native{}) & bit) != 0};
    return select(set, V(1), V(-1));
#endif
  }
};

/// Labels that own their bits.
class label_bits {
public:
  /// `labels` labellings of `rows` rows, all -1.
  label_bits(index rows, index labels)
      : rows_(rows), labels_(labels), words_((labels + 63) / 64), bits_(static_cast<std::size_t>(rows * words_), 0) {}

  /// Labelling 0 is the observed one, the first `n` rows +1; labellings 1 .. count are uniformly random ones with n rows +1,
  /// labelling p drawn from `key.fork(p - 1)`.
  template<executor Each>
  [[nodiscard]] static label_bits permuted(const Each& each, index rows, index n, index count, random_key key) {
    label_bits labels(rows, count + 1);
    each_may_throw(each, labels.words_, [&](index word) {
      const index row_words = membership_words(rows);
      std::vector<std::uint64_t> one(static_cast<std::size_t>(row_words)), block(static_cast<std::size_t>(row_words * 64), 0);
      for (index l = 0; l < 64 && word * 64 + l < labels.labels_; ++l) {
        const index p = word * 64 + l;
        if (p == 0)
          for (index i = 0; i < row_words; ++i) one[static_cast<std::size_t>(i)] = leading_ones(n - 64 * i);
        else
          membership_bits(key.fork(static_cast<std::uint64_t>(p - 1)), rows, n, one);
        for (index i = 0; i < row_words; ++i) block[static_cast<std::size_t>(i * 64 + l)] = one[static_cast<std::size_t>(i)];
      }
      for (index i = 0; i < row_words; ++i) {
        std::uint64_t* const square = block.data() + i * 64;
        transpose(square);
        for (index r = 0; r < 64 && i * 64 + r < rows; ++r) labels.word(i * 64 + r, word) = square[r];
      }
    });
    return labels;
  }

  /// Labelling 0 is the observed one, all +1; labellings 1 .. count are independent random signs of the rows.
  template<executor Each>
  [[nodiscard]] static label_bits random_signs(const Each& each, index rows, index count, random_key key) {
    label_bits labels(rows, count + 1);
    each(labels.words_, [&](index word) noexcept {
      for (index p = word * 64; p < (word + 1) * 64 && p < labels.labels_; ++p)
        for (index i = 0; i < rows; ++i)
          if (p == 0 || rademacher<float>(key.fork(static_cast<std::uint64_t>(p - 1)), i) > 0) labels.set(i, p);
    });
    return labels;
  }

  /// Label +1 for that row in that labelling.
  void set(index row, index label) { word(row, label / 64) |= std::uint64_t{1} << (label % 64); }
  /// Sizes, and the bits as a view.
  ///@{
  [[nodiscard]] index rows() const noexcept { return rows_; }
  [[nodiscard]] index labels() const noexcept { return labels_; }
  [[nodiscard]] label_view view() const noexcept { return {bits_.data(), words_, labels_, rows_}; }
  ///@}

private:
  std::uint64_t& word(index row, index w) { return bits_[static_cast<std::size_t>(row * words_ + w)]; }
  static std::uint64_t leading_ones(index count) {
    return count <= 0 ? 0 : (count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1);
  }

  /// 64 x 64 bits: bit l of word r becomes bit r of word l, by exchanging ever smaller squares.
  static void transpose(std::uint64_t* a) {
    std::uint64_t low = 0x00000000ffffffffu;
    for (int j = 32; j != 0; j >>= 1, low ^= low << j)
      for (int k = 0; k < 64; k = (k + j + 1) & ~j) {
        const std::uint64_t t = ((a[k] >> j) ^ a[k + j]) & low;
        a[k] ^= t << j;
        a[k + j] ^= t;
      }
  }

  index rows_, labels_, words_;
  std::vector<std::uint64_t> bits_;
};

/// The labelling in which row i is X where `permutation[i] < n` comes first in the permuted order: the first n entries of a row
/// of `permutations` (count x rows) are the new X. Labelling 0 is the observed one. Throws unless every row is a permutation.
[[nodiscard]] inline label_bits labels_from_permutations(matrix_view<const std::int64_t> permutations, index n) {
  const index rows = permutations.cols(), count = permutations.rows();
  label_bits labels(rows, count + 1);
  for (index i = 0; i < n; ++i) labels.set(i, 0);
  std::vector<index> seen(static_cast<std::size_t>(rows), -1);
  for (index p = 0; p < count; ++p)
    for (index i = 0; i < rows; ++i) {
      const std::int64_t row = permutations(p, i);
      require(row >= 0 && row < rows && seen[static_cast<std::size_t>(row)] != p, "permutations",
              "must hold every row number once in each row", static_cast<double>(row));
      seen[static_cast<std::size_t>(row)] = p;
      if (i < n) labels.set(row, p + 1);
    }
  return labels;
}

namespace detail {

/// The executor for `work` multiply-adds on the host beside a backend: its own where it runs on the host.
template<class B>
[[nodiscard]] auto host_executor(const B& b, double work) {
  if constexpr (requires { b.each; })
    return thrifty<std::remove_cvref_t<decltype(b.each)>>{b.each, work};
  else
    return thrifty<openmp>{openmp{}, work};
}

/// sum_i w_ip values[i] for every labelling p: 64 labellings a task.
template<executor Each>
[[nodiscard]] std::vector<double> label_products(const Each& each, const label_view& labels, const std::vector<double>& values) {
  using V = native_pack<double>;
  constexpr int lanes = native_width<double>;
  std::vector<double> result(static_cast<std::size_t>(labels.words * 64), 0.0);
  each(labels.words, [&](index word) noexcept {
    alignas(64) double sign[64];
    V sum[64 / lanes];
    for (V& s : sum) s = V(0);
    for (index i = 0; i < labels.rows; ++i) {
      labels.expand(sign, i, 1, word * 64, 64, 64);
      const V value(values[static_cast<std::size_t>(i)]);
      for (int v = 0; v < 64 / lanes; ++v) sum[v] = fma(V::load(sign + v * lanes), value, sum[v]);
    }
    for (int v = 0; v < 64 / lanes; ++v) sum[v].store(result.data() + word * 64 + v * lanes);
  });
  result.resize(static_cast<std::size_t>(labels.labels));
  return result;
}

}  // namespace detail

}  // namespace mmd

DISPAR_NAMESPACE_END
