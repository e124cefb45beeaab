// InTRO, its limit, and what it is compared with: intro/*.

#include <cmath>

#include "backend_under_test.hpp"
#include "dispar/divergence/kullback_leibler.hpp"
#include "dispar/divergence/rows.hpp"
#include "dispar/preference/draw_candidates.hpp"
#include "dispar/preference/intro.hpp"
#include "dispar/preference/intro_limit.hpp"
#include "dispar/preference/marginal_likelihood.hpp"
#include "dispar/preference/policy_gradient.hpp"
#include "next_token.hpp"

namespace golden {
namespace {

namespace preference = dispar::preference;
using space = memory_under_test::space;
using dispar::index;
using integers = tensor<std::int64_t>;

/// Float logits of size 10 are off by 6e-7, and so are log-ratios, whose exponentials, up to the clip, are multiplied with
/// log-probabilities and summed.
constexpr double tolerance_of_float_logits = 2e-5;

struct objective {
  static constexpr const char* name = "intro/objective";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> forward(c, "forward_logits"), posterior(c, "posterior_logits"), gradient(forward.shape());
    integers candidates(c, "candidates");
    const double clip = c.number("clip", 200);
    tensor<double> log_p(candidates.shape()), log_q(candidates.shape()), w(candidates.shape()), raw(candidates.shape()),
        value({1});
    preference::correction_factors(b, forward.matrix(), posterior.matrix(), candidates.matrix(),
                                   {.factors = w.matrix(), .log_forward = log_p.matrix(), .log_posterior = log_q.matrix()}, clip);
    preference::correction_factors(b, forward.matrix(), posterior.matrix(), candidates.matrix(), {.factors = raw.matrix()},
                                   dispar::positive_infinity<double>());
    preference::intro(b, preference::as_sequences(forward.matrix(), 1), preference::as_sequences(posterior.matrix(), 1),
                      preference::as_sequences(candidates.matrix(), 1), {.objective = value.vector()},
                      {.logits = preference::as_sequences(gradient.matrix(), 1)}, {.clip = clip});
    b.wait();
    std::vector<double> clipped;
    for (const double x : raw.data()) clipped.push_back(x > clip ? 1 : 0);
    out.put("logp_forward", log_p.data());
    out.put("logp_posterior", log_q.data());
    out.put("w_raw", raw.data());
    out.put("w", w.data());
    out.put("clipped", clipped);
    out.put("objective", value.data());
    out.put("grad_forward_logits", gradient.data());
  }
};

struct objective_batch {
  static constexpr const char* name = "intro/objective_batch";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> forward(c, "forward_logits"), posterior(c, "posterior_logits"), gradient(forward.shape());
    integers candidates(c, "candidates"), length(c, "length");
    tensor<double> reward(c, "reward"), value(reward.shape()), w(candidates.shape()), loss({1});
    const double clip = c.number("clip", 200);
    const index rows = forward.extent(0) * forward.extent(1), vocabulary = forward.extent(2), n = candidates.extent(2);
    preference::correction_factors(b, forward.matrix(rows, vocabulary), posterior.matrix(rows, vocabulary),
                                   candidates.matrix(rows, n), {.factors = w.matrix(rows, n)}, clip);
    preference::intro(b, forward.tensor(), posterior.tensor(), candidates.tensor(),
                      {.objective = value.vector(), .loss = loss.scalar()}, {.logits = gradient.tensor()},
                      {.clip = clip, .lengths = length.vector(), .weights = reward.vector()});
    b.wait();
    out.put("objective_per_rationale", value.data());
    out.put("w", w.data());
    out.put("loss", loss.data());
    out.put("grad_forward_logits", gradient.data());
  }
};

struct candidate_sampling {
  static constexpr const char* name = "intro/candidate_sampling";
  static constexpr double float_tolerance = 0;  // tokens

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> forward(c, "forward_logits");
    integers rationale(c, "rationale"), candidates({forward.extent(0), c.integer("n")});
    tensor<double> u(c, "u");
    preference::draw_candidates(b, forward.matrix(), rationale.vector(), candidates.matrix(), {.uniforms = u.matrix()});
    b.wait();
    out.put("candidates", candidates.data());
  }
};

/// KL of the posterior and the forward policy, with the gradient of `factor` times it by the forward logits.
template<class T, class B, class F>
void divergence_of_forward(const B& b, tensor<T>& forward, tensor<T>& posterior, const F& f, double factor, outputs& out,
                           const std::string& value_name, const std::string& gradient_name) {
  tensor<double> value({forward.extent(0)});
  tensor<T> gradient(forward.shape());
  dispar::divergence::rows_and_gradient(b, posterior.matrix(), forward.matrix(), f, value.vector(),
                                        {.b = gradient.matrix(), .factor = factor});
  b.wait();
  out.put(value_name, value.data());
  out.put(gradient_name, gradient.data());
}

struct exact_expectation {
  static constexpr const char* name = "intro/exact_expectation";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> forward(c, "forward_logits"), posterior(c, "posterior_logits"), gradient(forward.shape());
    const index rows = forward.extent(0);
    const double share = 1 / static_cast<double>(rows);
    tensor<double> loss({rows}), largest({rows});
    preference::intro_expectation(b, forward.matrix(), posterior.matrix(),
                                  {.loss = loss.vector(), .largest_ratio = largest.vector()},
                                  {.logits = gradient.matrix(), .factor = share}, c.number("clip", 200));
    b.wait();
    double mean = 0, most = 0;
    for (const double x : loss.data()) mean += share * x;
    for (const double x : largest.data()) most = std::fmax(most, x);
    out.put("expected_loss", mean);
    out.put("max_raw_factor", most);
    out.put("grad_clipped", gradient.data());
    divergence_of_forward(b, forward, posterior, dispar::divergence::kullback_leibler{}, share, out, "forward_kl",
                          "grad_forward_kl");
  }
};

struct token_kl {
  static constexpr const char* name = "intro/token_kl";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> forward(c, "forward_logits"), posterior(c, "posterior_logits");
    divergence_of_forward(b, forward, posterior, dispar::divergence::kullback_leibler{}, 1, out, "kl_posterior_forward",
                          "grad_kl_posterior_forward");
    divergence_of_forward(b, forward, posterior, dispar::divergence::reverse_kullback_leibler{}, 1, out, "kl_forward_posterior",
                          "grad_kl_forward_posterior");
  }
};

struct marginal_likelihood {
  static constexpr const char* name = "intro/marginal_likelihood";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  /// Chains that end in the answer, in lexicographic order, as a batch of sequences; gradients come back to the tables.
  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> tables(c, "tables");
    const index V = c.integer("V"), length = c.integer("T"), modulus = c.integer("modulus"), answer = c.integer("y");
    std::vector<std::vector<std::int64_t>> chains;
    std::vector<std::int64_t> chain(static_cast<std::size_t>(length));
    for (bool more = true; more;) {
      std::int64_t sum = 0;
      for (const std::int64_t token : chain) sum += token;
      if (sum % modulus == answer) chains.push_back(chain);
      more = false;
      for (std::size_t t = chain.size(); t-- > 0 && !more;) {
        more = ++chain[t] < V;
        if (!more) chain[t] = 0;
      }
    }
    const auto count = static_cast<index>(chains.size());
    tensor<T> logits({count, length, V}), gradient({count, length, V});
    integers labels({count, length});
    const auto row_of = [&](index z, index t) {
      const std::int64_t previous = t == 0 ? 0 : labels.matrix()(z, t - 1);
      return (t * V + static_cast<index>(previous)) * V;
    };
    for (index z = 0; z < count; ++z)
      for (index t = 0; t < length; ++t) {
        labels.matrix()(z, t) = chains[static_cast<std::size_t>(z)][static_cast<std::size_t>(t)];
        for (index v = 0; v < V; ++v) logits.tensor()(z, t, v) = tables.data()[static_cast<std::size_t>(row_of(z, t) + v)];
      }
    tensor<double> logps({count}), value({1}), posterior({count});
    preference::sequence_logps(b, logits.tensor(), labels.matrix(), logps.vector());
    preference::marginal_likelihood(b, logps.matrix(1, count), value.vector(), posterior.matrix(1, count));
    preference::sequence_logps_and_gradient(b, logits.tensor(), labels.matrix(), dispar::vector_view<double, space>(),
                                            {.logits = gradient.tensor(), .sequences = posterior.vector()});
    b.wait();
    std::vector<double> by_tables(tables.data().size());
    for (index z = 0; z < count; ++z)
      for (index t = 0; t < length; ++t)
        for (index v = 0; v < V; ++v)
          by_tables[static_cast<std::size_t>(row_of(z, t) + v)] += static_cast<double>(gradient.tensor()(z, t, v));
    out.put("log_p_y", value.data());
    out.put("posterior", posterior.data());
    out.put("grad_tables", by_tables);
  }
};

struct baselines {
  static constexpr const char* name = "intro/baselines";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    (void)c.text("advantage_std", {"population std + 1e-8"});
    tensor<T> current(c, "logp_new"), old(c, "logp_old"), reference(c, "logp_ref");
    integers length(c, "length");
    tensor<double> reward(c, "reward"), normalized(reward.shape()), others(reward.shape());
    const index responses = reward.extent(0);
    using preference::advantage;
    preference::group_advantages(b, reward.matrix(1, responses), normalized.matrix(1, responses), advantage::group_normalized);
    preference::group_advantages(b, reward.matrix(1, responses), others.matrix(1, responses), advantage::leave_one_out);
    const double clip = c.number("clip_eps", 0.2);
    preference::policy_log_probs<T, space> x{.current = current.matrix(), .old = old.matrix(), .lengths = length.vector()};
    const auto put = [&](const std::string& which, double kl) {
      tensor<double> loss({1});
      tensor<T> gradient(current.shape());
      preference::clipped_ratio(b, x, {.loss = loss.scalar()}, {.current = gradient.matrix()},
                                {.clip_below = clip, .clip_above = clip, .kl = kl});
      b.wait();
      out.put("loss_" + which, loss.data());
      out.put("grad_" + which, gradient.data());
    };
    x.weights = reward.vector();
    put("raft", 0);
    x.weights = {};
    x.advantages = normalized.vector();
    x.reference = reference.matrix();
    put("grpo", c.number("kl_beta", 0.04));
    out.put("advantage_grpo", normalized.data());
    out.put("advantage_leave_one_out", others.data());
  }
};

const registration<objective> registered_objective;
const registration<objective_batch> registered_batch;
const registration<exact_expectation> registered_expectation;
const registration<candidate_sampling> registered_sampling;
const registration<token_kl> registered_kl;
const registration<marginal_likelihood> registered_marginal;
const registration<baselines> registered_baselines;

}  // namespace
}  // namespace golden
