#pragma once

#include <string>

#include "dispar/contrastive/classes.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_views.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// Labels of the rows of one matrix as `row_classes` takes them. Both must be there, one label per row; `loss` is who says so.
template<backend B, class E, memory_space S, label_vector Labels>
[[nodiscard]] auto labels_of(const matrix_view<const E, S>& x, const Labels& labels, const char* loss) {
  using L = value_type_of<Labels>;
  using space = typename B::space;
  static_assert(reachable<space_of<Labels>, space>,
                "dispar: this backend cannot reach the memory of the labels; copy them with to(backend, labels)");
  const vector_view<const L, space_of<Labels>> label = view_of(labels);
  const auto named = [&](const char* argument) { return std::string(loss) + argument; };
  require(x.rows() > 0, named(": rows of x").c_str(), "must be at least 1", static_cast<double>(x.rows()));
  require(x.cols() > 0, named(": columns of x").c_str(), "must be at least 1", static_cast<double>(x.cols()));
  require(label.size() == x.rows(), named(": labels").c_str(), "must be one per row", static_cast<double>(label.size()));
  return std::array<vector_view<const L, space>, 1>{{{label.data(), label.extents(), label.strides()}}};
}

/// The same for a loss of the rows of one matrix, which has places for its value, its gradient and, among the options, the losses
/// of rows.
template<backend B, class E, memory_space S, label_vector Labels, class Loss, memory_space R, class T, class Options>
[[nodiscard]] auto labels_of(const matrix_view<const E, S>& x, const Labels& labels, const char* loss,
                             const scalar_view<Loss, R>& out, const row_gradient<T, S>& g, const Options& o) {
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  static_assert(reachable<R, typename B::space>, "dispar: this backend cannot write to that memory");
  const auto named = [loss](const char* argument) { return std::string(loss) + argument; };
  require(static_cast<bool>(out), named(": out").c_str(), "must not be the null view");
  require(o.band_rows >= 0, named(": band_rows").c_str(), "must not be negative", static_cast<double>(o.band_rows));
  const auto label = labels_of<B>(x, labels, loss);
  require_like(g.x, x, named(": gradient by x").c_str());
  if (o.losses)
    require(o.losses.size() == x.rows(), named(": losses").c_str(), "must have one entry per row",
            static_cast<double>(o.losses.size()));
  return label;
}

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
