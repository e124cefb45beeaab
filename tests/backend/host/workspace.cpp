#include "dispar/backend/host/workspace.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "backend/host/counting_memory.hpp"

namespace engine_tests {

namespace {

/// Says how many threads it has, and has none: the tests start them.
struct of_width {
  int width = 1;
  template<class Task>
  void operator()(dispar::index n, const Task& task) const {
    dispar::serial{}(n, task);
  }
  [[nodiscard]] int concurrency() const noexcept { return width; }
};
using backend = dispar::tiled_host<of_width, counting_memory>;
using workspaces = dispar::detail::workspaces<backend>;

}  // namespace

TEST_CASE("one aligned block per thread, none shared, all given back") {
  ledger book;
  {
    const workspaces all(backend{{3}, {&book}}, 100);
    CHECK(book.allocations == 1);
    CHECK(book.bytes == 3 * 128);
    std::optional<workspaces::lease> leases[3];
    std::set<char*> blocks;
    for (auto& lease : leases) {
      lease.emplace(all);
      CHECK(reinterpret_cast<std::uintptr_t>(lease->data()) % 64 == 0);
      std::memset(lease->data(), 1, 100);
      blocks.insert(lease->data());
    }
    CHECK(blocks.size() == 3);
    char* const freed = leases[1]->data();
    leases[1].reset();
    const workspaces::lease again(all);
    CHECK(again.data() == freed);
  }
  CHECK(book.blocks == 0);
  CHECK(book.sizes_agree);
}

TEST_CASE("nothing is allocated where no memory is needed; an executor of no threads counts as one") {
  ledger book;
  const workspaces none(backend{{3}, {&book}}, 0);
  CHECK(workspaces::lease(none).data() == nullptr);
  CHECK(book.allocations == 0);
  const workspaces one(backend{{0}, {&book}}, 1);
  CHECK(workspaces::lease(one).data() != nullptr);
  CHECK(book.bytes == 64);
}

TEST_CASE("no memory: the exception comes out") {
  ledger book{.failing_allocation = 0};
  CHECK_THROWS_AS(workspaces(backend{{3}, {&book}}, 100), std::bad_alloc);
  CHECK(book.blocks == 0);
}

TEST_CASE("more threads than the executor admits wait for each other") {
  ledger book;
  const workspaces all(backend{{2}, {&book}}, sizeof(int));
  std::atomic<int> at_once{0}, most{0}, disturbed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 5; ++t)
    threads.emplace_back([&, t] {
      for (int repeat = 0; repeat < 200; ++repeat) {
        const workspaces::lease lease(all);
        const int now = ++at_once;
        int seen = most.load();
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        auto* const mine = reinterpret_cast<volatile int*>(lease.data());
        *mine = t;
        if (repeat % 20 == 0) std::this_thread::yield();
        if (*mine != t) ++disturbed;
        --at_once;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(most <= 2);
  CHECK(disturbed == 0);
}

}  // namespace engine_tests
