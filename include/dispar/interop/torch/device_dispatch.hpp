#pragma once
/// \file
/// Torch's side of `device_call.hpp`: tensors as plain numbers and pointers, and the way to the function in the table.

#include <ATen/core/Tensor.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <map>
#include <stdexcept>
#include <string>

#include "dispar/core/error.hpp"
#include "dispar/interop/torch/device_call.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd::detail {

/// Memory of a tensor of one or two dimensions; a vector is a column. Undefined: not there.
[[nodiscard]] inline dispar_device_call::matrix device_matrix(const at::Tensor& t) {
  dispar_device_call::matrix m;
  if (!t.defined()) return m;
  m = {t.data_ptr(), {1, 1}, {0, 0}};
  for (std::int64_t axis = 0; axis < t.dim(); ++axis) {
    m.extent[axis] = t.size(axis);
    m.stride[axis] = t.stride(axis);
  }
  return m;
}

/// The function of that name, which an `entry` of a .cu file put into the table. Throws `invalid_argument` where there is none.
template<class Function>
[[nodiscard]] Function device_function(const std::map<std::string, Function>& table, const std::string& name, const char* entry) {
  const auto found = table.find(name);
  if (found == table.end())
    throw invalid_argument(std::string("dispar: the tensors are on a CUDA device, and no .cu file of this program has a ") +
                           "dispar::autograd::" + entry + " for [" + name + "]");
  return found->second;
}

/// Calls it when what torch does to the tensors of the call, of which t is one, is done. Throws `invalid_argument` for what it
/// refuses.
template<class Call>
void call_on_device(void (*function)(const Call&), const Call& call, const at::Tensor& t) {
  const c10::impl::VirtualGuardImpl cuda(c10::DeviceType::CUDA);
  cuda.synchronizeStream(cuda.getStream(t.device()));
  try {
    function(call);
  } catch (const std::invalid_argument& e) {
    throw invalid_argument(e.what());  // that of the .cu file is of another type: see config.hpp
  }
}

}  // namespace autograd::detail

DISPAR_NAMESPACE_END
