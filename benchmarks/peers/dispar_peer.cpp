/// \file
/// dispar's side of `compare.py`: one request per line on standard input, one JSON object per line on standard output.
///
///   info
///   peak threads=2
///   mmd2_unbiased n=5000 m=5000 d=64 threads=2 gamma=0.0078125 x=x.f32 y=y.f32
///   mmd2_five_bandwidths ...              the same arguments
///   mmd2_gradient ... gradient=g.f32      writes the gradient in x there
///   permutation_test ... permutations=500
///   jsd_rows ...                          x and y are logits, d the vocabulary
///   jsd_rows_gradient ... gradient=g.f32
///   infonce_gradient ... gradient=g.f32   CLIP's loss at temperature 0.07, with the gradients in x and in y
///   supcon_gradient ... gradient=g.f32    of x at temperature 0.1, four rows of a class: row i is of class i mod (n / 4)
///   triplet_gradient ... gradient=g.f32   the batch-hard triplet loss of unit rows of x with these classes, margin 0.3
///   adacad_step ... gradient=g.f32        the same, of one row; writes the merged logits there
///   top_k_sample ...                      k = 50 of x; the mean over rows of the token at which half of the rest is reached
///   top_p_sample ...                      the same, p = 0.95
///
/// The files hold row-major float32. A workload's first request also measures its memory on its first full-size run.
/// Every timed run follows an untimed one (`warmups=`).

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif

#include "../ceiling.hpp"
#include "dispar/contrastive.hpp"
#include "dispar/decoding/adacad.hpp"
#include "dispar/decoding/categorical.hpp"
#include "dispar/decoding/chain.hpp"
#include "dispar/decoding/top_k.hpp"
#include "dispar/decoding/top_p.hpp"
#include "dispar/divergence.hpp"
#include "dispar/mmd.hpp"
#include "dispar/preference/sequence_logps.hpp"
#include "peer_protocol.hpp"
#include "process_memory.hpp"

namespace {

using peer::outcome;
using peer::request;

struct samples {
  dispar::index n, m, d;
  std::vector<float> x, y;

  samples(const request& r)
      : n(r.integer("n")),
        m(r.integer("m")),
        d(r.integer("d")),
        x(peer::read_floats(r.text("x"), n * d)),
        y(peer::read_floats(r.text("y"), m * d)) {}
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

/// exp(-gamma |x - y|^2), the kernel of every workload.
[[nodiscard]] dispar::gaussian gaussian_of(double gamma) { return {.sigma = std::sqrt(0.5 / gamma)}; }

/// One workload on one pair of samples, with its output buffer; `gradient` is empty unless the workload writes it.
struct job {
  request r;
  samples s;
  std::vector<float> gradient, gradient_in_y;
  std::vector<std::int64_t> tokens;
  std::vector<double> halves;

  job(const request& line, samples data) : r(line), s(std::move(data)) {
    if (wants_gradient()) gradient.resize(s.x.size());
    if (r.command == "infonce_gradient") gradient_in_y.resize(s.y.size());
  }

  [[nodiscard]] bool wants_gradient() const { return r.command.ends_with("_gradient") || r.command == "adacad_step"; }

  [[nodiscard]] std::vector<std::int64_t> classes() const {
    std::vector<std::int64_t> of;
    for (dispar::index i = 0; i < s.n; ++i) of.push_back(i % (s.n / 4));
    return of;
  }
  void require_one_row() const {
    if (s.n != 1) throw std::runtime_error(r.command + " is of one row");
  }
  template<class Filter>
  [[nodiscard]] outcome sample(const Filter& filter) {
    namespace decoding = dispar::decoding;
    tokens.resize(static_cast<std::size_t>(s.n));
    halves.resize(tokens.size(), 0.5);
    decoding::chain{filter, decoding::categorical{}}(dispar::cpu{}, s.x_view(), tokens,
                                                     {.uniforms = dispar::view_of(std::as_const(halves))});
    double sum = 0;
    for (const std::int64_t token : tokens) sum += static_cast<double>(token);
    return {sum / static_cast<double>(s.n) / static_cast<double>(s.d)};
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
    const dispar::divergence::jensen_shannon js;
    if (r.command == "jsd_rows") return {dispar::divergence::mean(cpu, s.x_view(), s.y_view(), js)};
    if (r.command == "jsd_rows_gradient") {
      const auto gx = dispar::as_matrix(gradient, s.n, s.d);
      return {dispar::divergence::mean_and_gradient(cpu, s.x_view(), s.y_view(), js, {.a = gx})};
    }
    if (r.command == "sequence_logps_gradient") {
      namespace preference = dispar::preference;
      constexpr dispar::index sequences = 8;  // of the same number of tokens each
      std::vector<std::int64_t> labels;
      for (dispar::index i = 0; i < s.n; ++i) labels.push_back(7919 * i % s.d);
      std::vector<double> values(sequences);
      preference::sequence_logps_and_gradient(
          cpu, preference::as_sequences(s.x_view(), sequences), dispar::as_matrix(labels, sequences, s.n / sequences), values,
          {.logits = preference::as_sequences(dispar::as_matrix(gradient, s.n, s.d), sequences), .factor = 1.0 / sequences},
          {.reduce = preference::over_tokens::mean});
      double mean = 0;
      for (const double v : values) mean += v / sequences;
      return {mean};
    }
    if (r.command == "infonce_gradient") {
      namespace contrastive = dispar::contrastive;
      const auto loss =
          contrastive::infonce(cpu, s.x_view(), s.y_view(), contrastive::cosine{}, contrastive::temperature{0.07},
                               {.x = dispar::as_matrix(gradient, s.n, s.d), .y = dispar::as_matrix(gradient_in_y, s.m, s.d)},
                               {.anchors = contrastive::direction::both});
      return {loss.value};
    }
    if (r.command == "supcon_gradient" || r.command == "triplet_gradient") {
      namespace contrastive = dispar::contrastive;
      const auto of = classes();
      const auto gx = dispar::as_matrix(gradient, s.n, s.d);
      if (r.command == "supcon_gradient")
        return {contrastive::supcon(cpu, s.x_view(), of, contrastive::cosine{}, contrastive::temperature{0.1}, {.x = gx}).value};
      return {contrastive::triplet(cpu, s.x_view(), of, contrastive::cosine{}, contrastive::hinge_margin{0.3}, {.x = gx}).value};
    }
    if (r.command == "adacad_step") {
      require_one_row();
      double alpha = 0;
      dispar::decoding::adacad(cpu, s.x_view(), s.y_view(), dispar::as_matrix(gradient, 1, s.d),
                               {.alpha = dispar::vector_view<double>(&alpha, 1)});
      return {alpha};
    }
    if (r.command == "top_k_sample") return sample(dispar::decoding::top_k{50});
    if (r.command == "top_p_sample") return sample(dispar::decoding::top_p{0.95});
    if (r.command == "permutation_test") {
      const auto t = dispar::mmd::permutation_test(cpu, s.x_view(), s.y_view(), gaussian_of(gamma),
                                                   {.permutations = static_cast<int>(r.integer("permutations")), .seed = 1});
      return {t.statistic, t.threshold, t.p_value};
    }
    throw std::runtime_error("unknown command: " + r.command);
  }
};

void set_threads([[maybe_unused]] int threads) {
#if defined(_OPENMP)
  omp_set_num_threads(threads);
#endif
}

void answer_workload(const std::string& line, const request& r, peer::prepared<job>& last, std::ostream& out) {
  set_threads(static_cast<int>(r.integer("threads")));
  last.answer(
      line, r, out, [](const request& of) { return std::make_unique<job>(of, samples(of)); },
      [&r](job& work) {
        static_cast<void>(job(r, work.s.head(64)).run());
        return process_memory::peak_extra_mb([&work] { static_cast<void>(work.run()); });
      },
      [](job& work) { return work.run(); });
  if (last.work->wants_gradient()) peer::write_floats(r.text("gradient"), last.work->gradient.data(), last.work->gradient.size());
}

void answer(const std::string& line, peer::prepared<job>& last, std::ostream& out) {
  const request r(line);
  if (r.command == "info") {
    out << "{" << peer::name_and_version() << ", \"instruction_set\": \"" << dispar::instruction_set()
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

}  // namespace

int main() { peer::serve<job>(answer); }
