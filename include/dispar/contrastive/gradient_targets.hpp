#pragma once

#include "dispar/contrastive/pair_bands.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// Where the gradients by several matrices gather, band by band, before they become those by the rows as they are: in the
/// caller's views themselves, or apart from them where these are to be added to.
template<backend B, class T, memory_space S, std::size_t Count>
class gradient_targets {
  using space = typename B::space;

public:
  /// Null views are not wanted.
  gradient_targets(const B& b, const std::array<matrix_view<T, S>, Count>& wanted, bool accumulate)
      : wanted_(wanted), accumulate_(accumulate) {
    for (std::size_t s = 0; s < Count; ++s) {
      if (!wanted[s] || wanted[s].size() == 0) continue;
      target_[s] = reached<B>(wanted[s]);
      if (accumulate) {
        apart_[s] = array<T, 2, B>(b, wanted[s].extents());
        target_[s] = apart_[s].view();
      }
      for_each_index(b, target_[s].rows(), static_cast<double>(target_[s].size()),
                     clear_rows<T>{dispar::detail::strided_of(target_[s]), target_[s].cols()});
    }
  }

  /// The rows of a band, or the null view.
  [[nodiscard]] matrix_view<T, space> of(const band& rows) const {
    const auto& all = target_[static_cast<std::size_t>(rows.of)];
    return all ? all.slice(rows.first, rows.count) : all;
  }

  /// The gradients by the rows as they are. `matched`: dL / d<x_i, y_i>, where rows of the first two matrices are pairs that the
  /// bands left out, or null.
  template<class E, std::size_t Matrices, similarity Similarity>
  void finish(const B& b, const std::array<embeddings<E, B>, Matrices>& matrices, const Similarity& how, const double* matched,
              double factor, const double* upstream) const {
    for (std::size_t s = 0; s < Count; ++s) {
      if (!target_[s]) continue;
      partner_rows<E, Similarity> partner{{}, nullptr, how, s == 0 ? 1 : 0, matched};
      if (matched != nullptr && s < 2) {
        partner.x = dispar::detail::strided_of(matrices[1 - s].rows);
        partner.norm = matrices[1 - s].norm.data();
      }
      const auto& g = target_[s];
      for_each_index(b, g.rows(), static_cast<double>(g.size()) * 4,
                     gradient_by_rows<E, T, Similarity>{dispar::detail::strided_of(matrices[s].rows),
                                                        {g.data(), g.stride(0), g.stride(1)},
                                                        g.cols(),
                                                        matrices[s].norm.data(),
                                                        how,
                                                        static_cast<int>(s),
                                                        partner,
                                                        factor,
                                                        upstream,
                                                        accumulate_,
                                                        dispar::detail::strided_of(reached<B>(wanted_[s]))});
    }
  }

private:
  std::array<matrix_view<T, S>, Count> wanted_;
  bool accumulate_;
  std::array<array<T, 2, B>, Count> apart_{};
  std::array<matrix_view<T, space>, Count> target_{};
};

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
