// doctest in a file that includes torch, to be included last: where LibTorch logs through glog, torch's headers define macros of
// the same names, and a failed check would end the program.
#pragma once

#undef CHECK
#undef CHECK_EQ
#undef CHECK_NE
#undef CHECK_GT
#undef CHECK_LT
#undef CHECK_GE
#undef CHECK_LE

#include <doctest/doctest.h>
