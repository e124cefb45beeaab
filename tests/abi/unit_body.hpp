#pragma once
#include <dispar/core/pack_math.hpp>

#include "abi/unit.hpp"

/// The same text in every unit, with internal linkage: only dispar's own functions meet at the linker.
static unit_report report_of_this_unit() {
  using four = dispar::pack<float, 4>;
  four (*const exp2_here)(four) = &dispar::exp2<float, 4>;
  const char* (*const name_here)() noexcept = &dispar::instruction_set;
  four (*volatile call)(four) = exp2_here;  // not to be inlined: the address that the linker chose runs
  return {name_here(), dispar::vector_bytes, reinterpret_cast<const void*>(name_here), reinterpret_cast<const void*>(exp2_here),
          call(four(1.5))[0]};
}
