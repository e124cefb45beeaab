#pragma once

#include <cstdint>

namespace interop_tests {

// The members of DLTensor, for where <dlpack/dlpack.h> is not installed.
struct dl_device {
  int device_type, device_id;
};
struct dl_type {
  std::uint8_t code, bits;
  std::uint16_t lanes;
};
struct some_tensor {
  void* data;
  dl_device device;
  std::int32_t ndim;
  dl_type dtype;
  std::int64_t* shape;
  std::int64_t* strides;
  std::uint64_t byte_offset;
};

}  // namespace interop_tests
