#include "dispar/interop/dlpack.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "dlpack_tensor.hpp"
#include "same_elements.hpp"

#if __has_include(<dlpack/dlpack.h>)
#include <dlpack/dlpack.h>
#endif

namespace interop_tests {

using dispar::from_dlpack;
using dispar::index;  // in a namespace: POSIX has a global index()

struct dl_managed_versioned {
  std::uint64_t flags;
  some_tensor dl_tensor;
};

struct sample {
  std::vector<float> memory = std::vector<float>(60);
  std::array<std::int64_t, 2> shape{4, 5}, strides{12, 2};
  some_tensor tensor{memory.data(), {1, 0}, 2, {2, 32, 1}, shape.data(), nullptr, 0};
  float& at(index i) { return memory[static_cast<std::size_t>(i)]; }
};

template<class T, int Rank, class Space = dispar::host>
std::string refusal(const some_tensor& t) {
  try {
    (void)from_dlpack<T, Rank, Space>(t);
  } catch (const dispar::invalid_argument& e) {
    return e.what();
  }
  return "accepted";
}

TEST_CASE("null strides mean dense, strides and byte_offset are followed, nothing is copied") {
  sample s;
  check_same_elements(from_dlpack<float, 2>(s.tensor), {4, 5}, [&](index i, index j) -> float& { return s.at(5 * i + j); });
  s.tensor.strides = s.strides.data();
  s.tensor.byte_offset = 3 * sizeof(float);
  const auto view = from_dlpack<const float, 2>(s.tensor);
  static_assert(std::is_same_v<decltype(view), const dispar::matrix_view<const float>>);
  check_same_elements(view, {4, 5}, [&](index i, index j) -> const float& { return s.at(3 + 12 * i + 2 * j); });
  s.tensor.ndim = 1;
  check_same_elements(from_dlpack<float, 1>(s.tensor), {4}, [&](index i) -> float& { return s.at(3 + 12 * i); });
  s.tensor.ndim = 0;
  CHECK(from_dlpack<float, 0>(s.tensor).data() == &s.at(3));
  s.strides = {-5, 1};  // negative strides are legal
  s.tensor.ndim = 2;
  s.tensor.byte_offset = 15 * sizeof(float);
  check_same_elements(from_dlpack<float, 2>(s.tensor), {4, 5}, [&](index i, index j) -> float& { return s.at(15 - 5 * i + j); });
}

TEST_CASE("every mismatch names the field and its value") {
  sample s;
  const auto changed = [&](auto change) {
    some_tensor t = s.tensor;
    change(t);
    return t;
  };
  CHECK(refusal<float, 2>(s.tensor) == "accepted");
  CHECK(refusal<float, 2>(changed([](some_tensor& t) { t.device.device_type = 2; })) ==
        "dispar: from_dlpack: device.device_type must be kDLCPU (1), or pinned (3, 11) or managed (13) memory, got 2");
  CHECK(refusal<double, 2>(s.tensor) == "dispar: from_dlpack: dtype.bits must be 64, got 32");
  CHECK(refusal<int, 2>(s.tensor) == "dispar: from_dlpack: dtype.code must be 0, got 2");
  CHECK(refusal<float, 2>(changed([](some_tensor& t) { t.dtype.code = 4; })) ==
        "dispar: from_dlpack: dtype.code must be 2, got 4");
  CHECK(refusal<float, 2>(changed([](some_tensor& t) { t.dtype.lanes = 4; })) ==
        "dispar: from_dlpack: dtype.lanes must be 1, got 4");
  CHECK(refusal<float, 3>(s.tensor) == "dispar: from_dlpack: ndim must be 3, got 2");
  CHECK(refusal<float, 2>(changed([](some_tensor& t) { t.shape = nullptr; })) == "dispar: from_dlpack: shape must not be null");
  CHECK(refusal<float, 2>(changed([](some_tensor& t) { t.data = nullptr; })) == "dispar: from_dlpack: data must not be null");
  CHECK(refusal<float, 2>(changed([](some_tensor& t) { t.byte_offset = 2; })) ==
        "dispar: from_dlpack: byte_offset must align the elements, got 2");
  s.shape[1] = -5;
  CHECK(refusal<float, 2>(s.tensor) == "dispar: from_dlpack: shape must not be negative, got -5");
}

TEST_CASE("an empty tensor may come without memory") {
  sample s;
  s.shape[0] = 0;
  s.tensor.data = nullptr;
  const auto view = from_dlpack<float, 2>(s.tensor);
  CHECK(view.rows() == 0);
  CHECK(view.cols() == 5);
}

TEST_CASE("the memory space decides which devices fit") {
  sample s;
  const auto accepted = [&]<class Space>(Space) {
    std::vector<int> types;
    for (int type : {1, 2, 3, 10, 11, 13, 7}) {
      s.tensor.device.device_type = type;
      if (refusal<float, 2, Space>(s.tensor) == "accepted") types.push_back(type);
    }
    return types;
  };
  CHECK(accepted(dispar::host{}) == std::vector<int>{1, 3, 11, 13});
  CHECK(accepted(dispar::device{}) == std::vector<int>{2, 10, 13});
  CHECK(accepted(dispar::pinned{}) == std::vector<int>{3, 11});
  CHECK(accepted(dispar::managed{}) == std::vector<int>{13});
  s.tensor.device.device_type = 2;
  const auto view = from_dlpack<float, 2, dispar::device>(s.tensor);
  static_assert(std::is_same_v<decltype(view), const dispar::matrix_view<float, dispar::device>>);
  CHECK(view.data() == s.memory.data());
}

TEST_CASE("element types") {
  sample s;
  const auto accepts = [&](int code, int bits, auto element) {
    s.tensor.dtype = {static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(bits), 1};
    return refusal<decltype(element), 2>(s.tensor) == "accepted";
  };
  CHECK(accepts(2, 64, double{}));
  CHECK(accepts(0, 32, std::int32_t{}));
  CHECK(accepts(0, 64, std::int64_t{}));
  CHECK(accepts(1, 8, std::uint8_t{}));
  CHECK(accepts(6, 8, bool{}));
  CHECK(accepts(2, 16, dispar::half{}));
  CHECK(accepts(4, 16, dispar::bfloat16{}));
  CHECK_FALSE(accepts(2, 16, dispar::bfloat16{}));
  CHECK_FALSE(accepts(1, 8, bool{}));
  CHECK_FALSE(accepts(2, 16, float{}));
}

TEST_CASE("a managed tensor flagged read-only gives constant elements only") {
  sample s;
  dl_managed_versioned managed{0, s.tensor};
  CHECK(from_dlpack<float, 2>(managed).data() == s.memory.data());
  managed.flags = 1;
  CHECK(from_dlpack<const float, 2>(managed).data() == s.memory.data());
  CHECK_THROWS_WITH_AS((void)(from_dlpack<float, 2>(managed)),
                       "dispar: from_dlpack: flags must not be read-only (1) for a view of mutable elements, got 1",
                       dispar::invalid_argument);
}

#if __has_include(<dlpack/dlpack.h>)
TEST_CASE("the structs of <dlpack/dlpack.h>") {
  static_assert(dispar::dlpack_tensor<DLTensor> && dispar::dlpack_managed<DLManagedTensor>);
  static_assert(kDLCPU == 1 && kDLCUDA == 2 && kDLCUDAHost == 3 && kDLROCM == 10);
  static_assert(kDLInt == 0 && kDLUInt == 1 && kDLFloat == 2);
  sample s;
  DLManagedTensor managed{};
  managed.dl_tensor.data = s.memory.data();
  managed.dl_tensor.device = {kDLCPU, 0};
  managed.dl_tensor.ndim = 2;
  managed.dl_tensor.dtype = {kDLFloat, 32, 1};
  managed.dl_tensor.shape = s.shape.data();
  managed.dl_tensor.strides = s.strides.data();
  const auto expected = [&](index i, index j) -> float& { return s.at(12 * i + 2 * j); };
  check_same_elements(from_dlpack<float, 2>(managed.dl_tensor), {4, 5}, expected);
  check_same_elements(from_dlpack<float, 2>(managed), {4, 5}, expected);
}
#endif

}  // namespace interop_tests
