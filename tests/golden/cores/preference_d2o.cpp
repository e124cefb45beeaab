// D2O and the losses that it is compared with: d2o/*.

#include "backend_under_test.hpp"
#include "dispar/divergence/kullback_leibler.hpp"
#include "dispar/divergence/rows.hpp"
#include "dispar/preference/candidates.hpp"
#include "dispar/preference/from_logits.hpp"
#include "dispar/preference/jeffrey.hpp"

namespace golden {
namespace {

namespace preference = dispar::preference;
using space = memory_under_test::space;
using dispar::index;
using integers = tensor<std::int64_t>;

/// Float logits of size 10 are off by 6e-7, log-probabilities of a dozen tokens by 1e-5, gradients by as much of 1.
constexpr double tolerance_of_float_logits = 2e-5;
/// Float log-probabilities of size 100 are off by 4e-6 each, a margin of them by 2e-5.
constexpr double tolerance_of_float_logps = 1e-4;

struct sequence_logps {
  static constexpr const char* name = "d2o/sequence_logps";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> logits(c, "logits"), gradient(logits.shape());
    integers labels(c, "labels");
    tensor<double> cotangent(c, "cotangent"), sum(cotangent.shape()), mean(cotangent.shape());
    preference::token_options<space> o{.ignore = c.integer("ignore_index", -100), .shift = true};
    preference::sequence_logps_and_gradient(b, logits.tensor(), labels.matrix(), sum.vector(),
                                            {.logits = gradient.tensor(), .sequences = cotangent.vector()}, o);
    o.reduce = preference::over_tokens::mean;
    preference::sequence_logps(b, logits.tensor(), labels.matrix(), mean.vector(), o);
    b.wait();
    out.put("sum_logp", sum.data());
    out.put("mean_logp", mean.data());
    out.put("grad_logits", gradient.data());
  }
};

struct preference_losses {
  static constexpr const char* name = "d2o/preference_losses";
  static constexpr double float_tolerance = tolerance_of_float_logps;
  static constexpr double double_floor = 0;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> chosen(c, "policy_chosen_logps"), rejected(c, "policy_rejected_logps");
    tensor<T> reference_chosen(c, "reference_chosen_logps"), reference_rejected(c, "reference_rejected_logps");
    const preference::log_probs<T, space> x{.chosen = chosen.vector(),
                                            .rejected = rejected.vector(),
                                            .reference_chosen = reference_chosen.vector(),
                                            .reference_rejected = reference_rejected.vector()};
    const auto run = [&](const std::string& which, const auto& f, bool with_rewards = false) {
      tensor<double> loss(chosen.shape()), reward_chosen(chosen.shape()), reward_rejected(chosen.shape());
      tensor<T> by_chosen(chosen.shape()), by_rejected(chosen.shape());
      preference::losses(
          b, f, x,
          preference::group_results<space>{
              .loss = loss.vector(), .chosen_reward = reward_chosen.vector(), .rejected_reward = reward_rejected.vector()},
          {.chosen = by_chosen.vector(), .rejected = by_rejected.vector()});
      b.wait();
      out.put("loss_" + which, loss.data());
      out.put("grad_chosen_" + which, by_chosen.data());
      out.put("grad_rejected_" + which, by_rejected.data());
      if (!with_rewards) return;
      out.put("reward_chosen", reward_chosen.data());
      out.put("reward_rejected", reward_rejected.data());
    };
    const double beta = c.number("beta", 0.1);
    run("dpo", preference::dpo{.beta = beta}, true);
    run("cdpo", preference::dpo{.beta = beta, .label_smoothing = c.number("label_smoothing", 0)});
    run("ipo", preference::ipo{.beta = beta});
    run("dpo_reference_free", preference::reference_free_dpo{{.beta = beta}});
  }
};

struct d2o_loss {
  static constexpr const char* name = "d2o/d2o_loss";
  static constexpr double float_tolerance = tolerance_of_float_logps;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> self(c, "policy_self_logps"), reference_self(c, "ref_minus_self_logps");
    tensor<T> negative(c, "policy_negative_logps"), reference_negative(c, "ref_plus_negative_logps");
    const preference::d2o f{.alpha = c.number("alpha", 0.1), .beta = c.number("beta", 0.1)};
    const index groups = self.extent(0), samples = self.extent(1);
    preference::log_probs<T, space> x{.chosen = self.matrix(),
                                      .rejected = negative.vector(),
                                      .reference_chosen = reference_self.matrix(),
                                      .reference_rejected = reference_negative.vector()};
    tensor<T> by_self(self.shape()), by_negative(negative.shape());
    tensor<double> loss({groups}), weight({groups}), of_self({groups}), of_negative({groups}), mean({1}), of_pair({groups});
    preference::losses(b, f, x,
                       preference::group_results<space>{.loss = loss.vector(),
                                                        .chosen_reward = of_self.vector(),
                                                        .rejected_reward = of_negative.vector(),
                                                        .weight = weight.vector(),
                                                        .mean = mean.scalar()},
                       {.chosen = by_self.matrix(), .rejected = by_negative.vector(), .factor = 1 / static_cast<double>(groups)});
    b.wait();
    std::vector<double> margin, of_pairs(loss.data().size());
    for (std::size_t i = 0; i < loss.data().size(); ++i) margin.push_back(of_self.data()[i] - of_negative.data()[i]);
    for (index k = 0; k < samples; ++k) {  // the losses of single pairs
      const auto column = [k](auto m) { return m.transposed().slice(k, 1).transposed(); };
      x.chosen = column(self.matrix());
      x.reference_chosen = column(reference_self.matrix());
      preference::losses(b, f, x, preference::group_results<space>{.loss = of_pair.vector()});
      b.wait();
      for (std::size_t i = 0; i < of_pairs.size(); ++i) of_pairs[i] += of_pair.data()[i] / static_cast<double>(samples);
    }
    out.put("margin", margin);
    out.put("loss_per_example", loss.data());
    out.put("loss", mean.data());
    out.put("weight", weight.data());
    out.put("grad_policy_self", by_self.data());
    out.put("grad_policy_negative", by_negative.data());
    out.put("instance_level_mean_loss", of_pairs);
  }
};

struct d2o_from_logits {
  static constexpr const char* name = "d2o/d2o_from_logits";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> policy(c, "policy_logits"), reference(c, "reference_logits"), gradient(policy.shape());
    integers labels(c, "labels");
    const index groups = c.integer("prompts"), samples = c.integer("K");
    const preference::token_options<space> tokens{.ignore = c.integer("ignore_index", -100), .shift = true};
    tensor<double> policy_logps({policy.extent(0)}), reference_logps({policy.extent(0)}), loss({1});
    tensor<double> of_self({groups}), of_negative({groups});
    preference::sequence_logps(b, reference.tensor(), labels.matrix(), reference_logps.vector(), tokens);
    preference::losses_from_logits(
        b, preference::d2o{.alpha = c.number("alpha", 0.1), .beta = c.number("beta", 0.1)}, policy.tensor(), labels.matrix(),
        preference::group_results<space>{
            .chosen_reward = of_self.vector(), .rejected_reward = of_negative.vector(), .mean = loss.scalar()},
        {.logits = gradient.tensor(), .factor = 1 / static_cast<double>(groups)},
        {.samples = samples, .tokens = tokens, .reference = reference_logps.vector(), .policy = policy_logps.vector()});
    b.wait();
    std::vector<double> margin;
    for (std::size_t i = 0; i < of_self.data().size(); ++i) margin.push_back(of_self.data()[i] - of_negative.data()[i]);
    out.put("policy_logps", policy_logps.data());
    out.put("reference_logps", reference_logps.data());
    out.put("margin", margin);
    out.put("loss", loss.data());
    out.put("grad_policy_logits", gradient.data());
  }
};

struct unlikelihood {
  static constexpr const char* name = "d2o/unlikelihood";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> logits(c, "logits"), by_unlikelihood(logits.shape()), by_ascent(logits.shape());
    integers tokens(c, "tokens");
    tensor<double> mask(c, "mask"), terms(tokens.shape()), loss({tokens.extent(0)}), ascent({tokens.extent(0)});
    const preference::token_options<space> o{.reduce = preference::over_tokens::mean, .weights = mask.matrix()};
    const double share = 1 / static_cast<double>(tokens.extent(0));
    preference::token_unlikelihood(b, logits.tensor(), tokens.matrix(), terms.matrix(), {});
    preference::unlikelihood(b, logits.tensor(), tokens.matrix(), loss.vector(),
                             {.logits = by_unlikelihood.tensor(), .factor = share}, o);
    preference::sequence_logps_and_gradient(b, logits.tensor(), tokens.matrix(), ascent.vector(),
                                            {.logits = by_ascent.tensor(), .factor = share}, o);
    b.wait();
    std::vector<double> log_complement;
    for (const double x : terms.data()) log_complement.push_back(-x);
    out.put("log_one_minus_p", log_complement);
    out.put("unlikelihood", loss.data());
    out.put("grad_unlikelihood", by_unlikelihood.data());
    out.put("gradient_ascent", ascent.data());
    out.put("grad_gradient_ascent", by_ascent.data());
  }
};

struct simpo_npo {
  static constexpr const char* name = "d2o/simpo_npo";
  static constexpr double float_tolerance = tolerance_of_float_logps;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> chosen(c, "policy_chosen_logps"), rejected(c, "policy_rejected_logps"), reference(c, "reference_rejected_logps");
    tensor<double> chosen_length(c, "chosen_length"), rejected_length(c, "rejected_length");
    tensor<double> simpo(chosen.shape()), npo(chosen.shape());
    tensor<T> by_chosen(chosen.shape()), by_rejected(chosen.shape()), by_negative(chosen.shape());
    const double share = 1 / static_cast<double>(chosen.extent(0));
    preference::losses(b, preference::simpo{.beta = c.number("simpo_beta", 2), .gamma = c.number("simpo_gamma", 1)},
                       preference::log_probs<T, space>{.chosen = chosen.vector(),
                                                       .rejected = rejected.vector(),
                                                       .chosen_tokens = chosen_length.vector(),
                                                       .rejected_tokens = rejected_length.vector()},
                       preference::group_results<space>{.loss = simpo.vector()},
                       {.chosen = by_chosen.vector(), .rejected = by_rejected.vector(), .factor = share});
    preference::losses(b, preference::npo{.beta = c.number("npo_beta", 0.1)},
                       preference::log_probs<T, space>{.rejected = rejected.vector(), .reference_rejected = reference.vector()},
                       preference::group_results<space>{.loss = npo.vector()},
                       {.rejected = by_negative.vector(), .factor = share});
    b.wait();
    out.put("simpo", simpo.data());
    out.put("simpo_grad_chosen", by_chosen.data());
    out.put("simpo_grad_rejected", by_rejected.data());
    out.put("npo", npo.data());
    out.put("npo_grad_rejected", by_negative.data());
  }
};

struct jeffrey {
  static constexpr const char* name = "d2o/jeffrey";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    namespace divergence = dispar::divergence;
    tensor<T> policy(c, "logits_policy"), reference(c, "logits_reference"), gradient(policy.shape());
    const index rows = policy.extent(0);
    tensor<double> forward({rows}), backward({rows}), both({rows}), estimate({rows});
    divergence::rows(b, policy.matrix(), reference.matrix(), divergence::kullback_leibler{}, forward.vector());
    divergence::rows(b, policy.matrix(), reference.matrix(), divergence::reverse_kullback_leibler{}, backward.vector());
    divergence::rows_and_gradient(b, policy.matrix(), reference.matrix(), divergence::jeffreys{}, both.vector(),
                                  {.a = gradient.matrix()});
    const auto log_ratios = [&](integers& samples) {
      tensor<double> p(samples.shape()), q(samples.shape());
      preference::candidate_logps(b, policy.matrix(), samples.matrix(), p.matrix());
      preference::candidate_logps(b, reference.matrix(), samples.matrix(), q.matrix());
      b.wait();
      for (std::size_t i = 0; i < p.data().size(); ++i) p.data()[i] -= q.data()[i];
      return p;
    };
    integers of_policy(c, "samples_policy"), of_reference(c, "samples_reference");
    tensor<double> first = log_ratios(of_policy), second = log_ratios(of_reference);
    preference::jeffrey_monte_carlo(b, first.matrix(), second.matrix(), estimate.vector());
    b.wait();
    out.put("kl_policy_reference", forward.data());
    out.put("kl_reference_policy", backward.data());
    out.put("jeffrey", both.data());
    out.put("grad_logits_policy", gradient.data());
    out.put("jeffrey_monte_carlo", estimate.data());
  }
};

const registration<sequence_logps> registered_logps;
const registration<preference_losses> registered_losses;
const registration<d2o_loss> registered_d2o;
const registration<d2o_from_logits> registered_from_logits;
const registration<unlikelihood> registered_unlikelihood;
const registration<simpo_npo> registered_simpo;
const registration<jeffrey> registered_jeffrey;

}  // namespace
}  // namespace golden
