#include <doctest/doctest.h>

#include <string>
#include <vector>
#include <xtensor/xarray.hpp>
#include <xtensor/xnpy.hpp>

#include "dispar/kernels.hpp"
#include "dispar/metrics/roc.hpp"
#include "dispar/mmd/single_instance.hpp"

namespace {

xt::xarray<double> load(const std::string& name) {
  return xt::load_npy<double>(DISPAR_SOURCE_DIR "/tests/golden/mmd-mp/single_instance_basic/" + name + ".npy");
}
auto matrix(const xt::xarray<double>& a) {
  return dispar::matrix_view<const double>(a.data(), static_cast<dispar::index>(a.shape(0)),
                                           static_cast<dispar::index>(a.shape(1)));
}

}  // namespace

TEST_CASE("single-instance scores agree with the released MMD-MP code") {
  const auto ref_phi = load("ref_phi"), ref_raw = load("ref_raw");
  const dispar::mmd::reference_scores score(dispar::cpu{}, dispar::channels(matrix(ref_phi), matrix(ref_raw)),
                                            dispar::deep_kernel<>::from(12, 4, 0.1));
  std::vector<std::vector<double>> scores;
  for (const std::string who : {"human", "machine"}) {
    const auto phi = load(who + "_phi"), raw = load(who + "_raw"), expected = load("score_" + who);
    scores.push_back(score(dispar::channels(matrix(phi), matrix(raw))));
    REQUIRE(scores.back().size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(scores.back()[i] == doctest::Approx(expected(i)).epsilon(1e-9));
  }
  CHECK(dispar::metrics::auroc(scores[0], scores[1]) == doctest::Approx(load("auroc")(0)).epsilon(1e-12));
}
