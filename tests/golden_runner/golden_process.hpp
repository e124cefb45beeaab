#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace golden_runner {

namespace fs = std::filesystem;
using nlohmann::json;

/// What a run of dispar_golden printed, and its exit status; -1 where it was killed.
struct process {
  int status = -1;
  std::vector<std::string> lines;

  /// How many lines have all the words.
  [[nodiscard]] int lines_with(const std::vector<std::string>& words) const {
    int count = 0;
    for (const std::string& line : lines) {
      bool all = true;
      for (const std::string& word : words) all = all && line.find(word) != std::string::npos;
      count += all;
    }
    return count;
  }
  [[nodiscard]] std::string last() const { return lines.empty() ? "" : lines.back(); }
};

[[nodiscard]] inline process run_golden(const std::string& arguments) {
  process result;
  std::FILE* const pipe = ::popen(("\"" DISPAR_GOLDEN_PROGRAM "\" " + arguments + " 2>&1").c_str(), "r");
  if (!pipe) return result;
  std::string text;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) result.status = WEXITSTATUS(status);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    result.lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return result;
}

/// A folder of fixtures that a test fills; emptied when the test begins.
class fixtures {
public:
  explicit fixtures(const std::string& name) : root_(fs::path(DISPAR_GOLDEN_SCRATCH) / name) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  [[nodiscard]] const fs::path& root() const { return root_; }

  /// A copy of a committed case.
  fs::path add(const std::string& name, const std::string& as) const {
    const fs::path folder = root_ / as;
    fs::create_directories(folder.parent_path());
    fs::copy(fs::path(DISPAR_GOLDEN_CASES) / name, folder);
    return folder;
  }
  [[nodiscard]] process run(const std::string& more = "--backend cpu") const {
    return run_golden("\"" + root_.string() + "\" " + more);
  }

private:
  fs::path root_;
};

[[nodiscard]] inline std::string read_bytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
inline void write_bytes(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

[[nodiscard]] inline json read_case(const fs::path& folder) { return json::parse(read_bytes(folder / "case.json")); }
inline void write_case(const fs::path& folder, const json& content) { write_bytes(folder / "case.json", content.dump()); }

/// Adds to the last number of a float64 file.
inline void add_to_last(const fs::path& file, double amount) {
  std::string bytes = read_bytes(file);
  double value = 0;
  std::memcpy(&value, bytes.data() + bytes.size() - sizeof value, sizeof value);
  value += amount;
  std::memcpy(bytes.data() + bytes.size() - sizeof value, &value, sizeof value);
  write_bytes(file, bytes);
}

}  // namespace golden_runner
