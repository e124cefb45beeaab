#pragma once
/// \file
/// The protocol of `compare.py` and `compare_gpu.py`: one request per line on standard input, one JSON object per line on
/// standard output. `serve.py` is its Python half.

#include <chrono>
#include <cstddef>
#include <ctime>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "dispar/core/version.hpp"
#include "dispar/core/view.hpp"

namespace peer {

/// The arguments `key=value` of a request.
struct request {
  std::string command;
  std::map<std::string, std::string> arguments;

  explicit request(const std::string& line) {
    std::istringstream words(line);
    words >> command;
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      if (equals == std::string::npos) throw std::runtime_error("argument without '=': " + word);
      arguments[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  [[nodiscard]] const std::string& text(const std::string& key) const {
    const auto found = arguments.find(key);
    if (found == arguments.end()) throw std::runtime_error(command + ": argument missing: " + key);
    return found->second;
  }
  [[nodiscard]] double number(const std::string& key) const { return std::stod(text(key)); }
  [[nodiscard]] dispar::index integer(const std::string& key) const { return std::stol(text(key)); }
  /// Untimed runs before the timed one.
  [[nodiscard]] dispar::index warmups() const { return arguments.contains("warmups") ? integer("warmups") : 1; }
  /// Timed runs, whose mean is reported.
  [[nodiscard]] dispar::index repeats() const { return arguments.contains("repeats") ? integer("repeats") : 1; }
};

[[nodiscard]] inline std::vector<float> read_floats(const std::string& path, dispar::index count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::ifstream file(path, std::ios::binary);
  const auto bytes = static_cast<std::streamsize>(values.size() * sizeof(float));
  if (!file.read(reinterpret_cast<char*>(values.data()), bytes))
    throw std::runtime_error("cannot read " + std::to_string(bytes) + " bytes from " + path);
  return values;
}

inline void write_floats(const std::string& path, const float* values, std::size_t count) {
  std::ofstream file(path, std::ios::binary);
  if (!file.write(reinterpret_cast<const char*>(values), static_cast<std::streamsize>(count * sizeof(float))))
    throw std::runtime_error("cannot write " + path);
}

/// What a workload computed; `threshold` and `p_value` are set by the test only.
struct outcome {
  double value = 0, threshold = 0, p_value = 0;
};

inline void write_outcome(std::ostream& out, const request& r, const outcome& result, double ms, double cpu_ms, double extra_mb) {
  out << "{\"ms\": " << ms << ", \"cpu_ms\": " << cpu_ms << ", \"value\": " << result.value << ", \"extra_mb\": " << extra_mb;
  if (r.command == "permutation_test") out << ", \"threshold\": " << result.threshold << ", \"p_value\": " << result.p_value;
  out << "}";
}

/// `"name": "dispar", "version": "1.2.3"`.
[[nodiscard]] inline std::string name_and_version() {
  const auto number = [](int part) { return std::to_string(part); };
  return "\"name\": \"dispar\", \"version\": \"" + number(DISPAR_VERSION_MAJOR) + '.' + number(DISPAR_VERSION_MINOR) + '.' +
         number(DISPAR_VERSION_PATCH) + '"';
}

[[nodiscard]] inline std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result;
}

[[nodiscard]] inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// The job of the last request and what its first run needed; a new line of arguments makes a new one.
template<class Job>
struct prepared {
  std::string line;
  std::unique_ptr<Job> work;
  double extra_mb = 0;

  /// The answer to a workload. `make(request)` gives a job, `first_run(job)` the megabytes that it needed, `timed_run(job)` the
  /// outcome when the work is done.
  template<class Make, class FirstRun, class TimedRun>
  void answer(const std::string& request_line, const request& r, std::ostream& out, const Make& make, const FirstRun& first_run,
              const TimedRun& timed_run) {
    if (line != request_line) {
      work = make(r);
      line = request_line;
      extra_mb = first_run(*work);
    }
    for (dispar::index i = 0; i < r.warmups(); ++i) static_cast<void>(work->run());

    const double cpu_before = cpu_seconds();
    const auto before = std::chrono::steady_clock::now();
    outcome result = timed_run(*work);
    for (dispar::index i = 1; i < r.repeats(); ++i) result = timed_run(*work);
    const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - before;
    const double runs = static_cast<double>(r.repeats());
    write_outcome(out, r, result, wall.count() / runs, 1e3 * (cpu_seconds() - cpu_before) / runs, extra_mb);
  }
};

/// Answers until the input ends: `answer(line, last, out)` writes one JSON object; an exception becomes the answer, and ends
/// the last job.
template<class Job, class Answer>
void serve(const Answer& answer) {
  prepared<Job> last;
  for (std::string line; std::getline(std::cin, line);) {
    std::ostringstream out;
    out.precision(17);
    try {
      answer(line, last, out);
    } catch (const std::exception& problem) {
      last = {};
      out.str("{\"error\": \"" + escaped(problem.what()) + "\"}");
    }
    std::cout << out.str() << std::endl;
  }
}

}  // namespace peer
