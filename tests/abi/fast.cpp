#include "abi/unit_body.hpp"

unit_report fast_unit() { return report_of_this_unit(); }
