#pragma once

#include <chrono>
#include <string>

namespace mmd_mp {

/// One line on the terminal that says what is being done and how long it still takes; on a file or a pipe nothing but a line a
/// minute.
class progress {
public:
  progress(std::string what, double steps);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// `done` of the steps are made.
  void at(double done, const std::string& detail = "");

private:
  using clock = std::chrono::steady_clock;
  std::string what_;
  double steps_;
  clock::time_point start_ = clock::now(), shown_;
  bool terminal_, line_open_ = false;
};

/// "1 h 02 min", "3 min 10 s", "7 s".
[[nodiscard]] std::string duration_text(double seconds);

}  // namespace mmd_mp
