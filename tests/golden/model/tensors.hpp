// Arrays of fixtures as tensors, and tensors as outputs.
#pragma once

#include <ATen/ops/empty.h>

#include <string>
#include <vector>

#include "../fixture.hpp"
#include "../outputs.hpp"
#include "dispar/interop/torch/view.hpp"

namespace golden {

/// An input in the precision under test.
template<class T>
[[nodiscard]] at::Tensor torch_tensor(const fixture& c, const std::string& name) {
  const array a = c.input(name);
  auto t = at::empty(std::vector<std::int64_t>(a.shape.begin(), a.shape.end()), dispar::torch_type<T>);
  auto* const elements = static_cast<T*>(t.data_ptr());
  for (std::size_t i = 0; i < a.size(); ++i) elements[i] = static_cast<T>(a.at(i));
  return t;
}

inline void put(outputs& out, const std::string& name, const at::Tensor& t) {
  const at::Tensor dense = t.detach().to(at::kDouble).contiguous();
  const auto* const elements = static_cast<const double*>(dense.data_ptr());
  out.put(name, std::vector<double>(elements, elements + dense.numel()));
}

}  // namespace golden
