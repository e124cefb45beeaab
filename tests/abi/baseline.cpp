#include "abi/unit_body.hpp"

unit_report baseline_unit() { return report_of_this_unit(); }
