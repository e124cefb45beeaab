#pragma once

#include <string>

namespace golden {

/// A program that runs the cases of one layer.
struct program {
  std::string name;   ///< as it calls itself in messages
  std::string layer;  ///< of the cases that it runs: core or model
};

/// `PROGRAM ROOT [--backend NAME] [--json FILE]`; what main() returns.
[[nodiscard]] int run_program(const program& p, int argc, char** argv);

}  // namespace golden
