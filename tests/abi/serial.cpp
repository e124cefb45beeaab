#include "abi/unit_body.hpp"

unit_report serial_unit() { return report_of_this_unit(); }
