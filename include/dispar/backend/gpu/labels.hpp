#pragma once
/// \file
/// Labels on the GPU, see `dispar/backend/labels.hpp`: drawn, and multiplied with numbers, where they stay.

#include <cstdint>
#include <utility>
#include <vector>

#include "dispar/backend/gpu/step.hpp"
#include "dispar/backend/gpu/transfer.hpp"
#include "dispar/backend/host/labels.hpp"

DISPAR_NAMESPACE_BEGIN

/// Labels as the sink `quadratic_forms` takes them on the GPU: non-owning, bits by labelling.
struct device_label_view {
  const std::uint64_t* words = nullptr;  ///< [word of 64 rows][label]; a set bit is +1, bits from the last row on are 0
  index labels = 0;                      ///< labels per row
  index rows = 0;                        ///< how many rows are labelled

  /// Whether row i has +1 in labelling p.
  [[nodiscard]] DISPAR_FN bool member(index i, index p) const { return (words[i / 64 * labels + p] >> (i % 64) & 1) != 0; }
};

/// Labels that own their bits on the GPU.
class device_labels {
public:
  /// Uninitialized.
  device_labels(const gpu& b, index rows, index labels)
      : rows_(rows), labels_(labels), words_(b, {membership_words(rows) * labels}) {}
  /// The bits, to be written; and as a view.
  ///@{
  [[nodiscard]] std::uint64_t* data() { return words_.data(); }
  [[nodiscard]] device_label_view view() const { return {words_.data(), labels_, rows_}; }
  ///@}

private:
  index rows_, labels_;
  array<std::uint64_t, 1, gpu> words_;
};

namespace detail {

template<class Draw>
struct draw_labelling {
  Draw draw;
  std::uint64_t* words;
  index labels;
  DISPAR_FN void operator()(index p) const { draw(p, words + p, labels); }
};

/// From bits by row.
struct gather_label_word {
  label_view from;
  std::uint64_t* words;
  DISPAR_FN void operator()(index at) const {
    const index first = at / from.labels * 64, p = at % from.labels;
    std::uint64_t word = 0;
    for (index i = 0; i < 64 && first + i < from.rows; ++i) word |= static_cast<std::uint64_t>(from.member(first + i, p)) << i;
    words[at] = word;
  }
};

/// sum_i w_ip values(i, k) over a stretch of rows, to partial[stretch][k][p].
struct sum_labelled_stretch {
  static constexpr index stretch = 1024;  // whole words
  device_label_view labels;
  strided<const double> values;
  index columns;
  double* partial;
  DISPAR_FN void operator()(index at) const {
    const index p = at % labels.labels, column = at / labels.labels % columns, first = at / labels.labels / columns * stretch;
    double sum = 0;
    for (index w = first; w < first + stretch && w < labels.rows; w += 64) {
      const std::uint64_t word = labels.words[w / 64 * labels.labels + p];
      for (index i = 0; i < 64 && w + i < labels.rows; ++i) {
        const double value = values(w + i, column);
        sum += (word >> i & 1) != 0 ? value : -value;
      }
    }
    partial[at] = sum;
  }
};

}  // namespace detail

/// Labels of the GPU.
///@{
template<class Draw>
[[nodiscard]] device_labels draw_labels(const gpu& b, index rows, index labels, const Draw& draw) {
  device_labels drawn(b, rows, labels);
  for_each_index(b, labels, detail::draw_labelling<Draw>{draw, drawn.data(), labels});
  return drawn;
}
[[nodiscard]] inline device_labels labels_on(const gpu& b, const label_view& bits) {
  const auto there = detail::upload(b, std::vector<std::uint64_t>(bits.bits, bits.bits + bits.rows * bits.words));
  device_labels labels(b, bits.rows, bits.labels);
  for_each_index(b, membership_words(bits.rows) * bits.labels,
                 detail::gather_label_word{{there.data(), bits.words, bits.labels, bits.rows}, labels.data()});
  return labels;
}
[[nodiscard]] inline device_labels labels_on(const gpu& b, const label_bits& bits) { return labels_on(b, bits.view()); }

inline void label_products(const gpu& b, const device_label_view& labels, const matrix_view<const double, device>& values,
                           const matrix_view<double, device>& out) {
  constexpr index stretch = detail::sum_labelled_stretch::stretch;
  const index columns = values.cols(), sums = columns * labels.labels, stretches = (labels.rows + stretch - 1) / stretch;
  array<double, 2, gpu> partial(b, {stretches > 1 ? stretches : 0, sums});
  for_each_index(
      b, stretches * sums,
      detail::sum_labelled_stretch{labels, detail::strided_of(values), columns, stretches > 1 ? partial.data() : out.data()});
  if (stretches > 1) column_sums(b, std::as_const(partial).view(), vector_view<double, device>(out.data(), sums));
}
///@}

DISPAR_NAMESPACE_END
