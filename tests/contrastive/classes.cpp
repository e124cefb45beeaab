// Rows by classes: labels of any value, the ends of their types, repeated, alone, of two matrices.
#include "dispar/contrastive/classes.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "dispar/backend/cpu.hpp"

namespace contrastive_tests {

using dispar::index;

static_assert(dispar::contrastive::label_vector<std::vector<std::int64_t>>);
static_assert(dispar::contrastive::label_vector<dispar::vector_view<const std::int32_t>>);
static_assert(!dispar::contrastive::label_vector<std::vector<double>>);

TEST_CASE("classes: equal labels make one, in the order of labels; members ascend") {
  constexpr auto least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> x{7, least, 7, most}, y{most, -1, 7};
  using view = dispar::vector_view<const std::int64_t>;
  const dispar::cpu b{};
  const dispar::contrastive::detail::row_classes<dispar::cpu> classes(b, std::array{view(x.data(), 4), view(y.data(), 3)});
  const auto t = classes.table();
  const std::vector<index> of{2, 0, 2, 3, 3, 1, 2}, size{3, 1, 3, 2, 2, 1, 3}, first{2, 0, 2, 5, 5, 1, 2};
  const std::vector<index> members{1, 5, 0, 2, 6, 3, 4};
  CHECK(std::vector<index>(t.of, t.of + 7) == of);
  CHECK(std::vector<index>(t.size, t.size + 7) == size);
  CHECK(std::vector<index>(t.first, t.first + 7) == first);
  CHECK(std::vector<index>(t.members, t.members + 7) == members);
  CHECK(t.below(0, 4) == 2);  // of the first matrix
  CHECK(t.below(3, 4) == 1);
  CHECK(t.below(5, 4) == 0);
  const auto numbers = classes.operand<float>(b);
  CHECK(numbers.data()[3] == 3.0f);
}

TEST_CASE("classes: a strided view of 32-bit labels, no labels") {
  const std::vector<std::int32_t> x{5, 0, 5, 0, 4, 0};
  using view = dispar::vector_view<const std::int32_t>;
  const dispar::cpu b{};
  const dispar::contrastive::detail::row_classes<dispar::cpu> classes(b, std::array{view(x.data(), {3}, {2})});
  CHECK(classes.table().of[0] == 1);
  CHECK(classes.table().of[2] == 0);
  const dispar::contrastive::detail::row_classes<dispar::cpu> none(b, std::array{view()});
  CHECK(none.operand<double>(b).view().size() == 0);
}

}  // namespace contrastive_tests
