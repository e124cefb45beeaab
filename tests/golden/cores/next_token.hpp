#pragma once
/// \file
/// What cores ask of merged logits, and loops over Markov tables: the row of the last token gives the logits of the next.

#include <functional>
#include <string>
#include <vector>

#include "backend_under_test.hpp"
#include "dispar/decoding/categorical.hpp"
#include "dispar/decoding/chain.hpp"
#include "dispar/decoding/greedy.hpp"
#include "dispar/decoding/temperature.hpp"

namespace golden {
namespace {

namespace decoding = dispar::decoding;

/// Numbers per row where the host and the backend reach them.
class row_numbers {
public:
  explicit row_numbers(dispar::index rows) : memory_(1, rows) {}
  [[nodiscard]] auto view() {
    return dispar::vector_view<double, memory_under_test::space>(memory_.view().data(), memory_.view().cols());
  }
  [[nodiscard]] const auto& data() const { return memory_.data(); }
  [[nodiscard]] double operator[](dispar::index i) const { return memory_.data()[static_cast<std::size_t>(i)]; }

private:
  matrix<double> memory_;
};

/// Tokens of logits that are there.
template<class Chain, class Logits, class State = decoding::state<memory_under_test::space>>
[[nodiscard]] std::vector<std::int64_t> take(const Chain& chain, const Logits& logits, const State& known = {}) {
  return chain(make_backend(), logits, known);
}
template<class T>
[[nodiscard]] std::vector<std::int64_t> best_tokens(const matrix<T>& logits) {
  return take(decoding::chain{decoding::greedy{}}, logits.view());
}

template<class T>
[[nodiscard]] matrix<T> softmax(const matrix<T>& logits) {
  matrix<T> p(logits.rows(), logits.view().cols());
  decoding::chain{decoding::temperature{}}.probabilities(make_backend(), logits.view(), p.view());
  make_backend().wait();
  return p;
}

/// 1 for tokens that are not minus infinity.
template<class T>
[[nodiscard]] std::vector<double> kept(const matrix<T>& logits) {
  std::vector<double> keep;
  for (const T x : logits.data()) keep.push_back(dispar::is_special(x) ? 0 : 1);
  return keep;
}

/// Behind what is there.
template<class Values>
void append(std::vector<double>& to, const Values& values) {
  to.insert(to.end(), values.begin(), values.end());
}

/// Draws up to `steps` tokens, the last one being `end` if it occurs. next(last token, step): the next one.
[[maybe_unused, nodiscard]] inline std::vector<std::int64_t> decode(
    const fixture& c, const std::function<std::int64_t(dispar::index last, dispar::index step)>& next) {
  std::vector<std::int64_t> tokens;
  std::int64_t last = c.integer("start_token");
  const dispar::index steps = c.integer("steps"), end = c.integer("eos");
  while (static_cast<dispar::index>(tokens.size()) < steps && (tokens.empty() || last != end)) {
    last = next(last, static_cast<dispar::index>(tokens.size()));
    tokens.push_back(last);
  }
  return tokens;
}

}  // namespace
}  // namespace golden
