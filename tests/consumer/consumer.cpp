// A user's program: nothing but dispar.
#include <cstdio>
#include <dispar/core/pack_math.hpp>
#include <dispar/core/view.hpp>
#include <vector>

int main() {
  std::vector<double> numbers{1, 2, 3, 4, 5, 6};
  const dispar::matrix_view<double> x(numbers.data(), 3, 2);
  std::printf("dispar %d, %s, x(2, 1) = %g\n", DISPAR_VERSION, dispar::instruction_set(), x(2, 1));
  return x(2, 1) == 6 ? 0 : 1;
}
