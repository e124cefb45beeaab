// Jensen-Shannon of rows of logits: adacad/jsd_rows, jsd_rows_zero_probability, jsd_batchmean.

#include "backend_under_test.hpp"
#include "dispar/divergence/clamped_jensen_shannon.hpp"
#include "dispar/divergence/jensen_shannon.hpp"
#include "dispar/divergence/rows.hpp"

namespace golden {
namespace {

namespace divergence = dispar::divergence;

/// Logits in float are off by 6e-8 of their size, about 1e-6 of a probability, and floats vanish earlier, which moves values by
/// 1e-8 per token. Gradients are differences of such probabilities.
constexpr double tolerance_of_float_logits = 2e-6;

/// Values are those of the released code. Gradients it has none; those of the exact divergence agree where nothing is clamped.
divergence::clamped_jensen_shannon released_by(const fixture& c) { return {.floor = c.number("clamp_min", 1e-9)}; }

template<class T, class B>
std::vector<double> values(const B& b, const matrix<T>& x, const matrix<T>& y, const divergence::clamped_jensen_shannon& released,
                           divergence::unit in) {
  dispar::array<double, 1, B> out(b, {x.rows()});
  divergence::rows(b, x.view(), y.view(), released, out.view(), {.in = in});
  const auto there = to_host(b, out);
  return {there.data(), there.data() + x.rows()};
}

struct jsd_rows {
  static constexpr const char* name = "adacad/jsd_rows";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    (void)c.text("log_base", {"e"});
    const matrix<T> x(c, "a"), y(c, "b");
    out.put("jsd_nats", values(b, x, y, released_by(c), divergence::unit::nats));
    out.put("jsd_bits", values(b, x, y, released_by(c), divergence::unit::bits));
    if (!c.expects("grad_a")) return;
    matrix<T> by_x(x.rows(), x.view().cols()), by_y(x.rows(), x.view().cols());
    divergence::rows_and_gradient(b, x.view(), y.view(), divergence::jensen_shannon{},
                                  dispar::vector_view<double, memory_under_test::space>(), {.a = by_x.view(), .b = by_y.view()});
    b.wait();
    out.put("grad_a", by_x.data());
    out.put("grad_b", by_y.data());
  }
};

struct jsd_rows_zero_probability : jsd_rows {
  static constexpr const char* name = "adacad/jsd_rows_zero_probability";
};

struct jsd_batchmean {
  static constexpr const char* name = "adacad/jsd_batchmean";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    (void)c.text("log_base", {"e"});
    (void)c.text("reduction", {"batchmean"});
    const matrix<T> x(c, "a"), y(c, "b");
    out.put("jsd", divergence::mean(b, x.view(), y.view(), released_by(c)));
  }
};

const registration<jsd_rows> registered_rows;
const registration<jsd_rows_zero_probability> registered_zero_probability;
const registration<jsd_batchmean> registered_batchmean;

}  // namespace
}  // namespace golden
