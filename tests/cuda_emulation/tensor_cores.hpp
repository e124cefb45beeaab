#pragma once
/// \file
/// In the place of the instructions in dispar/backend/gpu/mma.hpp, which includes this.

#include "cuda_runtime.h"
#include "dispar/core/half.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

template<mma_numbers Numbers>
void mma(float& c0, float& c1, float& c2, float& c3, const row_words& a, const col_words& b,
         cuda_emulation::call_site at = {__builtin_FILE(), __builtin_LINE()}) {
  using cuda_emulation::operand_numbers;
  constexpr auto numbers = Numbers == mma_numbers::tf32   ? operand_numbers::tf32
                           : Numbers == mma_numbers::half ? operand_numbers::half
                                                          : operand_numbers::bfloat16;
  float* const c[4] = {&c0, &c1, &c2, &c3};
  cuda_emulation::mma(numbers, c, a.of, b.of, at);
}
[[nodiscard]] inline std::uint32_t half_word(float low, float high) {
  return half(low).bits | static_cast<std::uint32_t>(half(high).bits) << 16;
}
inline void copy_async(void* shared, const void* global, bool there) { cuda_emulation::copy_async(shared, global, there); }
inline void commit_copies() { cuda_emulation::commit_copies(); }
template<int Most>
void wait_for_copies() {
  cuda_emulation::wait_for_copies(Most);
}
template<class Memory>
[[nodiscard]] Memory& shared_memory() {
  return *static_cast<Memory*>(cuda_emulation::dynamic_shared_memory(sizeof(Memory)));
}

}  // namespace detail

DISPAR_NAMESPACE_END
