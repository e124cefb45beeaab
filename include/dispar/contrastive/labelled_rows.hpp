#pragma once

#include <string>

#include "dispar/contrastive/classes.hpp"

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

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
