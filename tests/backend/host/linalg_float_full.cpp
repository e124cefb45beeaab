// Linear algebra on the host, in float: see backend/linalg_checks.hpp.
#include "dispar/backend/host/linalg.hpp"

#include <doctest/doctest.h>

#include "backend/linalg_checks.hpp"
#include "dispar/backend/cpu.hpp"

TEST_CASE("linear algebra in float: products, sums, Cholesky, eigenvalues, singular values") {
  linalg_checks::check_products<float>(dispar::cpu{});
  linalg_checks::check_sums<float>(dispar::cpu{});
  linalg_checks::check_cholesky<float>(dispar::cpu{});
  linalg_checks::check_decompositions<float>(dispar::cpu{});
}
