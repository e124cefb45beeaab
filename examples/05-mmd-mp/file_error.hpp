#pragma once

#include <stdexcept>

namespace mmd_mp {

/// A file that is absent, damaged or not what it should be; the message begins with its name.
struct file_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace mmd_mp
