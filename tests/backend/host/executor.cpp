#include "dispar/backend/host/executor.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "backend/host/any_executor.hpp"

namespace engine_tests {

namespace {

template<class Each>
void check_every_task_once(const Each& each) {
  for (index n : {0, 1, 2, 3, 17, 1000}) {
    const auto count = std::make_unique<std::atomic<int>[]>(static_cast<std::size_t>(n));
    each(n, [&](index i) noexcept { ++count[static_cast<std::size_t>(i)]; });
    for (index i = 0; i < n; ++i) CHECK(count[static_cast<std::size_t>(i)] == 1);
  }
}

/// Counts its calls.
struct called {
  int* calls;
  template<class Task>
  void operator()(index n, const Task& task) const {
    ++*calls;
    dispar::serial{}(n, task);
  }
  [[nodiscard]] int concurrency() const noexcept { return 8; }
};

struct without_concurrency {
  template<class Task>
  void operator()(index, const Task&) const {}
};

}  // namespace

static_assert(dispar::executor<dispar::serial> && dispar::executor<dispar::openmp> && dispar::executor<called>);
static_assert(dispar::executor<dispar::thrifty<called>>);
static_assert(!dispar::executor<int> && !dispar::executor<without_concurrency>);

TEST_CASE("every executor runs every task once") {
  check_every_task_once(dispar::serial{});
  check_every_task_once(dispar::openmp{});
  for (int threads = 1; threads <= 4; ++threads) check_every_task_once(dispar::openmp{threads});
  check_every_task_once(dispar::thrifty<dispar::openmp>{{3}, 1e9});
  check_every_task_once(dispar::thrifty<dispar::openmp>{{3}, 10});
  check_every_task_once(forwards());
  check_every_task_once(backwards());
  check_every_task_once(threads(3, 3));
}

TEST_CASE("the exception of the least task is passed on when all are done") {
  const auto check = [](const auto& each) {
    std::atomic<int> done{0};
    CHECK_THROWS_WITH(dispar::each_may_throw(each, 20,
                                             [&](index i) {
                                               ++done;
                                               if (i % 7 == 5) throw std::runtime_error("task " + std::to_string(i));
                                             }),
                      "task 5");
    CHECK(done == 20);
  };
  check(dispar::serial{});
  check(dispar::openmp{3});
  check(backwards());
  check(threads(3, 3));
}

TEST_CASE("serial runs in order on the calling thread") {
  std::vector<index> order;
  const auto here = std::this_thread::get_id();
  bool elsewhere = false;
  dispar::serial{}(5, [&](index i) {
    order.push_back(i);
    elsewhere = elsewhere || std::this_thread::get_id() != here;
  });
  CHECK(order == std::vector<index>{0, 1, 2, 3, 4});
  CHECK_FALSE(elsewhere);
  CHECK(dispar::serial{}.concurrency() == 1);
}

#if defined(_OPENMP)
TEST_CASE("openmp starts the threads it is told to, and not for a single task") {
  CHECK(dispar::openmp{3}.concurrency() == 3);
  CHECK(dispar::openmp{}.concurrency() == omp_get_max_threads());
  std::atomic<int> team{0};
  dispar::openmp{3}(6, [&](index) noexcept { team = omp_get_num_threads(); });
  CHECK(team == 3);
  dispar::openmp{3}(1, [&](index) noexcept { team = omp_get_num_threads(); });
  CHECK(team == 1);
}
#endif

TEST_CASE("small work stays on the calling thread, and is told to have one") {
  int calls = 0;
  const dispar::thrifty<called> small{{&calls}, 999999}, large{{&calls}, 1e6};
  int tasks = 0;
  small(3, [&](index) { ++tasks; });
  CHECK(calls == 0);
  CHECK(small.concurrency() == 1);
  large(3, [&](index) { ++tasks; });
  CHECK(calls == 1);
  CHECK(large.concurrency() == 8);
  CHECK(tasks == 6);
}

}  // namespace engine_tests
