#pragma once
/// \file
/// What losses of embeddings require of their arguments.

#include <string>

#include "dispar/contrastive/pair_bands.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// On the host, rows with NaN or infinity are known by their lengths before any work.
template<class E, backend B>
void require_finite(const embeddings<E, B>& x, const char* name) {
  if constexpr (std::same_as<typename B::space, host>)
    for (index i = 0; i < x.count(); ++i)
      if (is_special(x.norm.data()[i]))
        throw invalid_argument("dispar: contrastive: " + std::string(name) + ": row " + std::to_string(i) +
                               " holds NaN or infinity");
}

/// A gradient, where wanted, has the shape of what it is by.
template<class T, class E, memory_space S>
void require_like(const matrix_view<T, S>& by, const matrix_view<const E, S>& of, const char* name) {
  if (by)
    require(by.rows() == of.rows() && by.cols() == of.cols(), name, "must have the shape of what it is a gradient by",
            static_cast<double>(by.rows()));
}

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
