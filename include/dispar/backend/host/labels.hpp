#pragma once
/// \file
/// Labels on the host, see `dispar/backend/labels.hpp`.

#include <cstdint>
#include <utility>
#include <vector>

#include "dispar/backend/host/tiled_host.hpp"
#include "dispar/backend/labels.hpp"
#include "dispar/core/pack.hpp"

DISPAR_NAMESPACE_BEGIN

/// Labels as the sink `quadratic_forms` takes them on the host: non-owning, bits by row.
struct label_view {
  const std::uint64_t* bits = nullptr;  ///< [row][word of 64 labels]; a set bit is +1
  index words = 0;                      ///< words per row
  index labels = 0;                     ///< labels per row
  index rows = 0;                       ///< how many rows are labelled

  /// Whether row i has +1 in labelling p.
  [[nodiscard]] DISPAR_FN bool member(index i, index p) const { return (bits[i * words + p / 64] >> (p % 64) & 1) != 0; }
  /// Label p of row i as +1 or -1.
  template<class T>
  [[nodiscard]] DISPAR_FN T at(index i, index p) const {
    return member(i, p) ? T(1) : T(-1);
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

  /// `labels` labellings of `rows` rows by a draw.
  template<executor Each, class Draw>
  [[nodiscard]] static label_bits drawn(const Each& each, index rows, index labels, const Draw& draw) {
    label_bits bits(rows, labels);
    each_may_throw(each, bits.words_, [&](index word) {
      const index row_words = membership_words(rows);
      std::vector<std::uint64_t> block(static_cast<std::size_t>(row_words * 64), 0);
      for (index l = 0; l < 64 && word * 64 + l < labels; ++l) draw(word * 64 + l, block.data() + l, 64);
      for (index i = 0; i < row_words; ++i) {
        std::uint64_t* const square = block.data() + i * 64;
        transpose(square);
        for (index r = 0; r < 64 && i * 64 + r < rows; ++r) bits.word(i * 64 + r, word) = square[r];
      }
    });
    return bits;
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

/// Labels of a host backend.
///@{
template<class Each, class Memory, class Draw>
[[nodiscard]] label_bits draw_labels(const tiled_host<Each, Memory>& b, index rows, index labels, const Draw& draw) {
  return label_bits::drawn(thrifty<Each>{b.each, static_cast<double>(rows) * static_cast<double>(labels)}, rows, labels, draw);
}
template<class Each, class Memory>
[[nodiscard]] label_bits labels_on(const tiled_host<Each, Memory>&, label_bits bits) {
  return bits;
}
template<class Each, class Memory>
void label_products(const tiled_host<Each, Memory>& b, const label_view& labels, const matrix_view<const double>& values,
                    const matrix_view<double>& out) {
  using V = native_pack<double>;
  constexpr index lanes = native_width<double>, vectors = 64 / lanes;
  const double work = static_cast<double>(labels.rows) * static_cast<double>(labels.labels * values.cols());
  b.run(labels.words * values.cols(), work, [&](index task) noexcept {
    const index first = task % labels.words * 64, column = task / labels.words;
    alignas(64) double sign[64];
    V sum[vectors];
    for (V& s : sum) s = V(0);
    for (index i = 0; i < labels.rows; ++i) {
      labels.expand(sign, i, 1, first, 64, 64);
      const V value(values(i, column));
      for (index v = 0; v < vectors; ++v) sum[v] = fma(V::load(sign + v * lanes), value, sum[v]);
    }
    for (index v = 0; v < vectors; ++v) sum[v].store(sign + v * lanes);
    for (index p = 0; p < 64 && first + p < labels.labels; ++p) out(column, first + p) = sign[p];
  });
}
///@}

DISPAR_NAMESPACE_END
