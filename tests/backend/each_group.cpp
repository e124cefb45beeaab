#include "dispar/backend/each_group.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "backend/host/any_executor.hpp"
#include "backend/host/counting_memory.hpp"

namespace engine_tests {

namespace {

/// A backend that is no tiled host.
struct plain_backend {
  using space = dispar::host;
  int number = 0;
  [[nodiscard]] void* allocate(std::size_t) const { return nullptr; }
  void deallocate(void*, std::size_t) const {}
  void wait() const {}
};

template<class B>
void check_groups(const B& b) {
  for (index count : {0, 1, 2, 50}) {
    std::vector<int> runs(static_cast<std::size_t>(count), 0);
    dispar::for_each_group(b, count, [&](const auto&, index g) { ++runs[static_cast<std::size_t>(g)]; });
    CHECK(runs == std::vector<int>(static_cast<std::size_t>(count), 1));
  }
}

template<class B>
void check_least_exception(const B& b) {
  const auto run = [&] {
    dispar::for_each_group(b, 40, [](const auto&, index g) {
      if (g == 7 || g == 8 || g == 31) throw std::runtime_error("group " + std::to_string(g));
    });
  };
  CHECK_THROWS_WITH_AS(run(), "group 7", std::runtime_error);
}

}  // namespace

TEST_CASE("every group once, on any backend") {
  check_groups(plain_backend{});
  check_groups(dispar::tiled_host<dispar::serial>{});
  check_groups(dispar::tiled_host<dispar::openmp>{{3}});
  check_groups(dispar::tiled_host<any_executor>{backwards()});
  check_groups(dispar::tiled_host<any_executor>{threads(3, 3)});
}

TEST_CASE("the exception of the least group is passed on, in whatever order they ran") {
  check_least_exception(plain_backend{});
  check_least_exception(dispar::tiled_host<dispar::serial>{});
  check_least_exception(dispar::tiled_host<dispar::openmp>{{3}});
  check_least_exception(dispar::tiled_host<any_executor>{backwards()});
}

TEST_CASE("a group's backend is serial on the host, with the memory of the whole, and the whole elsewhere") {
  ledger book;
  const dispar::tiled_host<dispar::openmp, counting_memory> host{{2}, {&book}};
  dispar::for_each_group(host, 1, [&](const auto& inner, index) {
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(inner)>, dispar::tiled_host<dispar::serial, counting_memory>>);
    inner.deallocate(inner.allocate(10), 10);
  });
  CHECK(book.allocations == 1);
  CHECK(book.blocks == 0);
  dispar::for_each_group(plain_backend{5}, 1, [](const plain_backend& inner, index) { CHECK(inner.number == 5); });
}

}  // namespace engine_tests
