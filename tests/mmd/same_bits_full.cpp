// The same bits for any number of threads, with sizes on both sides of every edge of a tile.
#include "mmd/same_bits_checks.hpp"

TEST_CASE_TEMPLATE("one to four threads, serial and backwards: the same bits around the edges of tiles", T, float, double) {
  constexpr dispar::index width = dispar::detail::register_tile<T>::width;
  // A tile is one, two or four widths wide, by the number of tiles; from 8 tiles a side on, the wider ones are taken.
  for (const dispar::index tiles : {1, 2, 4, 8, 16, 32})
    for (const dispar::index off : {-1, 0, 1}) {
      const dispar::index n = tiles * width + off;
      if (n < 2 || n > 2100) continue;
      same_bits::check_executors<T>(n, n, 3);
      same_bits::check_executors<T>(n, 2 * width + 1, 17);
      same_bits::check_executors<T>(width - 1, n, 64);
    }
}
