#include "progress.hpp"

#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>

namespace mmd_mp {

std::string duration_text(double seconds) {
  const auto s = static_cast<long>(std::lround(std::fmax(0, seconds)));
  std::array<char, 64> text;
  if (s >= 3600)
    std::snprintf(text.data(), text.size(), "%ld h %02ld min", s / 3600, s / 60 % 60);
  else if (s >= 60)
    std::snprintf(text.data(), text.size(), "%ld min %02ld s", s / 60, s % 60);
  else
    std::snprintf(text.data(), text.size(), "%ld s", s);
  return text.data();
}

progress::progress(std::string what, double steps)
    : what_(std::move(what)), steps_(steps), shown_(start_), terminal_(isatty(STDERR_FILENO) != 0) {}

progress::~progress() {
  if (line_open_) std::fprintf(stderr, "\r\033[K");
}

void progress::at(double done, const std::string& detail) {
  const auto now = clock::now();
  const double between = std::chrono::duration<double>(now - shown_).count();
  if (between < (terminal_ ? 0.2 : 60.0)) return;
  shown_ = now;
  const double spent = std::chrono::duration<double>(now - start_).count();
  const std::string left = done > 0 ? duration_text(spent * (steps_ - done) / done) + " left" : "";
  std::fprintf(stderr, "%s%s: %3.0f %%, %s%s%s%s", terminal_ ? "\r\033[K" : "", what_.c_str(), 100 * done / steps_, left.c_str(),
               detail.empty() ? "" : "; ", detail.c_str(), terminal_ ? "" : "\n");
  line_open_ = terminal_;
  std::fflush(stderr);
}

}  // namespace mmd_mp
