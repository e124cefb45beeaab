/// \file
/// dispar's side of `compare.py`: one request per line on standard input, one JSON object per line on standard output.
///
///   info
///   peak threads=2
///   mmd2_unbiased n=5000 m=5000 d=64 threads=2 gamma=0.0078125 x=x.f32 y=y.f32
///   mmd2_five_bandwidths ...              the same arguments
///   mmd2_gradient ... gradient=g.f32      writes the gradient in x there
///   permutation_test ... permutations=500
///
/// The files hold row-major float32. A workload's first request also measures its memory on its first full-size run.
/// Every timed run follows an untimed one (`warmups=`).

#include <algorithm>
#include <chrono>
#include <cmath>
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

#if defined(_OPENMP)
#include <omp.h>
#endif

#include "../ceiling.hpp"
#include "dispar/mmd.hpp"
#include "process_memory.hpp"

namespace {

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
};

[[nodiscard]] std::vector<float> read_floats(const std::string& path, dispar::index count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::ifstream file(path, std::ios::binary);
  const auto bytes = static_cast<std::streamsize>(values.size() * sizeof(float));
  if (!file.read(reinterpret_cast<char*>(values.data()), bytes))
    throw std::runtime_error("cannot read " + std::to_string(bytes) + " bytes from " + path);
  return values;
}

struct samples {
  dispar::index n, m, d;
  std::vector<float> x, y;

  samples(const request& r)
      : n(r.integer("n")),
        m(r.integer("m")),
        d(r.integer("d")),
        x(read_floats(r.text("x"), n * d)),
        y(read_floats(r.text("y"), m * d)) {}
  [[nodiscard]] auto x_view() const { return dispar::as_matrix(x, n, d); }
  [[nodiscard]] auto y_view() const { return dispar::as_matrix(y, m, d); }
  /// The first rows only, for a small run that starts the threads before memory is measured.
  [[nodiscard]] samples head(dispar::index rows) const {
    samples part = *this;
    part.n = std::min(rows, n);
    part.m = std::min(rows, m);
    part.x.resize(static_cast<std::size_t>(part.n * d));
    part.y.resize(static_cast<std::size_t>(part.m * d));
    return part;
  }
};

/// What a workload computed; `threshold` and `p_value` are set by the test only.
struct outcome {
  double value = 0, threshold = 0, p_value = 0;
};

/// exp(-gamma |x - y|^2), the kernel of every workload.
[[nodiscard]] dispar::gaussian gaussian_of(double gamma) { return {.sigma = std::sqrt(0.5 / gamma)}; }

/// One workload on one pair of samples, with its output buffer; `gradient` is empty unless the workload writes it.
struct job {
  request r;
  samples s;
  std::vector<float> gradient;

  job(const request& line, samples data) : r(line), s(std::move(data)) {
    if (r.command == "mmd2_gradient") gradient.resize(s.x.size());
  }

  [[nodiscard]] outcome run() {
    const dispar::cpu cpu;
    const double gamma = r.number("gamma");
    if (r.command == "mmd2_unbiased") return {dispar::mmd::estimate(cpu, s.x_view(), s.y_view(), gaussian_of(gamma))};
    if (r.command == "mmd2_five_bandwidths") {
      // The mean over gamma / 4, gamma / 2, gamma, 2 gamma, 4 gamma; the ladder starts at the largest bandwidth.
      const dispar::gaussian_ladder<5> ladder{.sigma = gaussian_of(gamma / 4).sigma};
      return {dispar::mmd::estimate(cpu, s.x_view(), s.y_view(), ladder)};
    }
    if (r.command == "mmd2_gradient") {
      const auto gx = dispar::as_matrix(gradient, s.n, s.d);
      return {dispar::mmd::value_and_gradient(cpu, s.x_view(), s.y_view(), gaussian_of(gamma), {.x = {gx}})};
    }
    if (r.command == "permutation_test") {
      const auto t = dispar::mmd::permutation_test(cpu, s.x_view(), s.y_view(), gaussian_of(gamma),
                                                   {.permutations = static_cast<int>(r.integer("permutations")), .seed = 1});
      return {t.statistic, t.threshold, t.p_value};
    }
    throw std::runtime_error("unknown command: " + r.command);
  }
};

[[nodiscard]] double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void set_threads([[maybe_unused]] int threads) {
#if defined(_OPENMP)
  omp_set_num_threads(threads);
#endif
}

/// The job of the last request and what its first run needed; a new line of arguments makes a new one.
struct prepared {
  std::string line;
  std::unique_ptr<job> work;
  double extra_mb = 0;
};

void answer_workload(const std::string& line, const request& r, prepared& last, std::ostream& out) {
  set_threads(static_cast<int>(r.integer("threads")));
  if (last.line != line) {
    last.work = std::make_unique<job>(r, samples(r));
    last.line = line;
    static_cast<void>(job(r, last.work->s.head(64)).run());
    last.extra_mb = process_memory::peak_extra_mb([&] { static_cast<void>(last.work->run()); });
  }
  const dispar::index warmups = r.arguments.contains("warmups") ? r.integer("warmups") : 1;
  for (dispar::index i = 0; i < warmups; ++i) static_cast<void>(last.work->run());

  const double cpu_before = cpu_seconds();
  const auto before = std::chrono::steady_clock::now();
  const outcome result = last.work->run();
  const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - before;
  const double cpu_ms = 1e3 * (cpu_seconds() - cpu_before);

  out << "{\"ms\": " << wall.count() << ", \"cpu_ms\": " << cpu_ms << ", \"value\": " << result.value
      << ", \"extra_mb\": " << last.extra_mb;
  if (r.command == "permutation_test") out << ", \"threshold\": " << result.threshold << ", \"p_value\": " << result.p_value;
  out << "}";
  if (r.command == "mmd2_gradient") {
    const auto& g = last.work->gradient;
    std::ofstream file(r.text("gradient"), std::ios::binary);
    const auto bytes = static_cast<std::streamsize>(g.size() * sizeof(float));
    if (!file.write(reinterpret_cast<const char*>(g.data()), bytes))
      throw std::runtime_error("cannot write " + r.text("gradient"));
  }
}

void answer(const std::string& line, prepared& last, std::ostream& out) {
  const request r(line);
  if (r.command == "info") {
    out << "{\"name\": \"dispar\", \"version\": \"" << DISPAR_VERSION_MAJOR << '.' << DISPAR_VERSION_MINOR << '.'
        << DISPAR_VERSION_PATCH << "\", \"instruction_set\": \"" << dispar::instruction_set()
        << "\", \"baseline_build\": " << (dispar::compiled_for_baseline() ? "true" : "false") << ", \"threading\": \""
        << DISPAR_STRINGIZE(DISPAR_THREADS) << "\", \"compiler\": \""
        <<
#if defined(__clang__)
        "clang " << __clang_major__ << '.' << __clang_minor__
#else
        "g++ " << __GNUC__ << '.' << __GNUC_MINOR__
#endif
        << "\"}";
  } else if (r.command == "peak") {
    const int threads = static_cast<int>(r.integer("threads"));
    out << "{\"fma_gflops_1\": " << ceiling::fma_peak_gflops(1) << ", \"fma_gflops\": " << ceiling::fma_peak_gflops(threads);
    // The bandwidth and the exponential's rate explain a result; they change little and are asked for once.
    if (r.arguments.contains("all"))
      out << ", \"copy_gbs\": " << ceiling::copy_gbs(threads) << ", \"exp_1\": " << ceiling::exp_rate(1)
          << ", \"exp\": " << ceiling::exp_rate(threads);
    out << "}";
  } else {
    answer_workload(line, r, last, out);
  }
}

[[nodiscard]] std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result;
}

}  // namespace

int main() {
  prepared last;
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
