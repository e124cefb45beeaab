#include "abi/unit_body.hpp"

unit_report wide_unit() { return report_of_this_unit(); }
