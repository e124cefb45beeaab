#pragma once
/// \file
/// The labellings of tests: +1 where a row counts as X, -1 where it counts as Y. Labelling 0 is the observed one.

#include "dispar/backend/host/labels.hpp"
#include "dispar/core/random/rademacher.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd::detail {

/// The labelling in which row i is X where `permutation[i] < n` comes first in the permuted order: the first n entries of a row
/// of `permutations` (count x rows) are the new X. Throws unless every row is a permutation.
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

/// The observed labelling and `count` random splits into n rows and the others, or those that are given.
template<backend B>
[[nodiscard]] auto split_labels(const B& b, index rows, index n, index count, std::uint64_t seed,
                                const matrix_view<const std::int64_t>& given) {
  if (given) return labels_on(b, labels_from_permutations(given, n));
  return draw_labels(b, rows, count + 1, subset_labels{{seed, 0}, rows, n});
}

/// A draw of labels [r; -r] of 2n rows for signs r of the n pairs: labelling 0 all +1, the observed one, then the bits of
/// `key.fork(p - 1)`, as `rademacher` reads them.
struct paired_sign_labels {
  random_key key;
  index n;

  DISPAR_FN_APART void operator()(index p, std::uint64_t* words, index stride) const {
    using dispar::detail::leading_ones;
    const random_key own = p == 0 ? key : key.fork(static_cast<std::uint64_t>(p - 1));
    const auto signs = [&](index word) { return p == 0 ? ~std::uint64_t{0} : dispar::detail::sign_word(own, word); };
    for (index w = 0, first = 0; first < 2 * n; ++w, first += 64) {
      const index of_x = n - first < 0 ? 0 : n - first;
      std::uint64_t word = of_x > 0 ? signs(w) & leading_ones(of_x) : 0;
      if (of_x < 64) {  // the signs from `begin` on, in the places behind those of x
        const index begin = first + of_x - n;
        std::uint64_t of_y = signs(begin / 64) >> (begin % 64);
        if (begin % 64 > 0) of_y |= signs(begin / 64 + 1) << (64 - begin % 64);
        word |= (~of_y << of_x) & leading_ones(2 * n - first);
      }
      words[w * stride] = word;
    }
  }
};

/// The same from the caller's signs, one labelling a row.
[[nodiscard]] inline label_bits labels_from_signs(matrix_view<const std::int64_t> given) {
  const index n = given.cols(), count = given.rows();
  label_bits labels(2 * n, count + 1);
  for (index i = 0; i < n; ++i) labels.set(i, 0);
  for (index p = 0; p < count; ++p)
    for (index i = 0; i < n; ++i) {
      const std::int64_t sign = given(p, i);
      require(sign == 1 || sign == -1, "wild bootstrap: signs", "must be +1 or -1", static_cast<double>(sign));
      labels.set(sign > 0 ? i : n + i, p + 1);
    }
  return labels;
}

/// The observed labelling and `count` draws of signs of n pairs, or those that are given.
template<backend B>
[[nodiscard]] auto sign_labels(const B& b, index n, index count, std::uint64_t seed,
                               const matrix_view<const std::int64_t>& given) {
  if (given) return labels_on(b, labels_from_signs(given));
  return draw_labels(b, 2 * n, count + 1, paired_sign_labels{{seed, 0}, n});
}

}  // namespace mmd::detail

DISPAR_NAMESPACE_END
