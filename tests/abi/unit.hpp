#pragma once
#include <string>

/// What one translation unit says of the code it runs.
struct unit_report {
  std::string instruction_set;
  int vector_bytes;
  /// Addresses of an inline function and of a template with equal arguments in every unit.
  const void* instruction_set_code;
  const void* exp2_code;
  /// 2^1.5 through this unit's own copy of the template.
  float exp2_value;
};

unit_report baseline_unit();
unit_report wide_unit();
unit_report fast_unit();
unit_report serial_unit();
