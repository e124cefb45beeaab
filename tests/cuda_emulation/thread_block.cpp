// setjmp and longjmp switch stacks fast: swapcontext enters the operating system each time, and a test switches millions of
// times. The checks of _FORTIFY_SOURCE take a jump to another stack for an error.
#undef _FORTIFY_SOURCE
#include "thread_block.hpp"

#include <link.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

namespace cuda_emulation {
namespace {

constexpr unsigned warp_size = 32, most_threads = 1024;
constexpr std::size_t stack_bytes = 128 * 1024;

/// Where a stack of its own goes on.
struct execution {
  ucontext_t context{};
  jmp_buf jump{};
  bool started = true;
};

/// Leaves `from`, goes on with `to`; returns when somebody goes on with `from`.
void switch_stacks(execution& from, execution& to) {
#if defined(__SANITIZE_ADDRESS__)  // knows swapcontext, and takes a jump to another stack for an error
  swapcontext(&from.context, &to.context);
#else
  if (_setjmp(from.jump) != 0) return;
  if (to.started) _longjmp(to.jump, 1);
  to.started = true;
  setcontext(&to.context);
#endif
}

/// One thread of a block.
struct fiber {
  enum class state { ready, at_barrier, in_collective, finished };
  state now = state::ready;
  call_site at{};
  unsigned mask = 0;
  // Two sets: a thread may reach the next collective before another has read the results of this one.
  std::array<std::uint64_t, 2> given{};
  unsigned collectives = 0;
  execution where;
  std::unique_ptr<char[]> stack{new char[stack_bytes]};
};

class thread_block {
public:
  void run(unsigned threads, const std::function<void()>& kernel, run_order order) {
    kernel_ = &kernel;
    count_ = threads;
    while (fibers_.size() < threads) fibers_.push_back(std::make_unique<fiber>());
    for (unsigned t = 0; t < threads; ++t) prepare(*fibers_[t]);
    const unsigned warps = (threads + warp_size - 1) / warp_size;
    for (;;) {
      for (unsigned step = 0; step < warps; ++step)
        run_warp((order == run_order::ascending ? step : warps - 1 - step) * warp_size, order);
      const bool finished =
          std::all_of(fibers_.begin(), fibers_.begin() + threads, [](const auto& f) { return f->now == fiber::state::finished; });
      if (finished) return;
      if (!release_block()) throw defect(who_waits());
    }
  }

  /// Called on a fiber: back to `run`, until released.
  void wait(fiber::state why, unsigned mask, call_site at) {
    fiber& f = *fibers_[threadIdx.x];
    f.now = why;
    f.mask = mask;
    f.at = at;
    switch_stacks(f.where, scheduler_);
  }

  const std::uint64_t* collective(unsigned mask, std::uint64_t value, call_site at) {
    fiber& f = *fibers_[threadIdx.x];
    const unsigned set = f.collectives++ % 2, first = threadIdx.x / warp_size * warp_size;
    f.given[set] = value;
    wait(fiber::state::in_collective, mask, at);
    for (unsigned lane = 0; lane < warp_size; ++lane)
      seen_[lane] = (mask >> lane & 1) != 0 && first + lane < count_ ? fibers_[first + lane]->given[set] : ~std::uint64_t{0};
    return seen_.data();
  }

private:
  static void enter();

  void prepare(fiber& f) {
    f.now = fiber::state::ready;
    f.collectives = 0;
    f.where.started = false;
    getcontext(&f.where.context);
    f.where.context.uc_stack.ss_sp = f.stack.get();
    f.where.context.uc_stack.ss_size = stack_bytes;
    makecontext(&f.where.context, &thread_block::enter, 0);
  }

  void switch_to(unsigned t) {
    threadIdx = {t, 0, 0};
    switch_stacks(scheduler_, fibers_[t]->where);
  }

  [[nodiscard]] static bool same(call_site a, call_site b) { return a.line == b.line && std::strcmp(a.file, b.file) == 0; }

  /// As far as the warp gets before a barrier: other warps must be right whether this one is ahead of them or behind.
  void run_warp(unsigned first, run_order order) {
    const unsigned lanes = std::min(warp_size, count_ - first);
    do {
      for (unsigned step = 0; step < lanes; ++step) {
        const unsigned t = first + (order == run_order::ascending ? step : lanes - 1 - step);
        if (fibers_[t]->now == fiber::state::ready) switch_to(t);
      }
    } while (release_collectives(first, lanes));
  }

  /// Whether some lanes go on.
  bool release_collectives(unsigned first, unsigned lanes) {
    bool released = false;
    for (unsigned own = 0; own < lanes; ++own) {
      const fiber& f = *fibers_[first + own];
      if (f.now != fiber::state::in_collective) continue;
      bool all = (f.mask >> own & 1) != 0;
      for (unsigned lane = 0; lane < warp_size && all; ++lane) {
        if ((f.mask >> lane & 1) == 0) continue;
        all = lane < lanes && meets(*fibers_[first + lane], f);
      }
      if (!all) continue;
      const unsigned mask = f.mask;
      for (unsigned lane = 0; lane < lanes; ++lane)
        if ((mask >> lane & 1) != 0) fibers_[first + lane]->now = fiber::state::ready;
      released = true;
    }
    return released;
  }
  static bool meets(const fiber& a, const fiber& b) {
    return a.now == fiber::state::in_collective && a.mask == b.mask && same(a.at, b.at);
  }

  bool release_block() {
    for (unsigned t = 0; t < count_; ++t)
      if (fibers_[t]->now != fiber::state::at_barrier || !same(fibers_[t]->at, fibers_[0]->at)) return false;
    for (unsigned t = 0; t < count_; ++t) fibers_[t]->now = fiber::state::ready;
    return true;
  }

  [[nodiscard]] std::string who_waits() const {
    std::string text = "block " + std::to_string(blockIdx.x) + " is stuck:";
    std::string before;
    for (unsigned t = 0; t < count_; ++t) {
      const fiber& f = *fibers_[t];
      std::string now = "has finished";
      if (f.now != fiber::state::finished)
        now = std::string(f.now == fiber::state::at_barrier ? "waits at the barrier " : "waits in the warp collective ") +
              f.at.file + ":" + std::to_string(f.at.line);
      if (now != before) text += " thread " + std::to_string(t) + (t + 1 < count_ ? " and on " : " ") + now + ";";
      before = now;
    }
    return text;
  }

  const std::function<void()>* kernel_ = nullptr;
  unsigned count_ = 0;
  std::vector<std::unique_ptr<fiber>> fibers_;
  std::array<std::uint64_t, warp_size> seen_{};
  execution scheduler_;
};

thread_block block;  // one at a time

void thread_block::enter() {
  (*block.kernel_)();
  fiber& f = *block.fibers_[threadIdx.x];
  f.now = fiber::state::finished;
  switch_stacks(f.where, block.scheduler_);
}

/// NaN bytes over this operating-system thread's copies of the program's thread-local variables: the `__shared__` ones. Nothing
/// else runs in this thread that has any.
void poison_shared_memory() {
  dl_iterate_phdr(
      [](dl_phdr_info* module, std::size_t, void*) {
        for (int i = 0; i < module->dlpi_phnum; ++i)
          if (module->dlpi_phdr[i].p_type == PT_TLS && module->dlpi_tls_data != nullptr)
            std::memset(module->dlpi_tls_data, 0xff, module->dlpi_phdr[i].p_memsz);
        return 1;  // the program itself is the first module
      },
      nullptr);
}

/// Shared memory whose size the launch says, up to a page without access.
class launch_shared_memory {
public:
  launch_shared_memory() {
    pages_ = static_cast<char*>(mmap(nullptr, most + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(pages_ + most, guard, PROT_NONE);
  }
  void renew(std::size_t bytes) {
    bytes_ = bytes;
    std::memset(first(bytes), 0xff, bytes);
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] char* first(std::size_t bytes) const { return pages_ + most - (bytes + 15) / 16 * 16; }

private:
  static constexpr std::size_t most = 256 * 1024, guard = 64 * 1024;
  char* pages_;
  std::size_t bytes_ = 0;
};
launch_shared_memory shared;

const char* reported = nullptr;

}  // namespace

void block_barrier(call_site at) { block.wait(fiber::state::at_barrier, 0, at); }
const std::uint64_t* warp_collective(unsigned mask, std::uint64_t value, call_site at) {
  return block.collective(mask, value, at);
}

void report(const char* what) { reported = what; }

void* dynamic_shared_memory(std::size_t bytes) {
  if (bytes > shared.bytes()) report("a kernel uses more shared memory than the launch said");
  return shared.first(bytes);
}

void run_grid(const cudaLaunchConfig_t& config, const std::function<void()>& kernel, run_order order) {
  const dim3 grid = config.gridDim, size = config.blockDim;
  if (grid.y * grid.z * size.y * size.z != 1) throw defect("only grids and blocks of one dimension are emulated");
  if (grid.x == 0 || grid.x > 2147483647 || size.x == 0 || size.x > most_threads)
    throw defect("a grid has 1 to 2^31 - 1 blocks, a block 1 to 1024 threads");
  gridDim = grid;
  blockDim = size;
  for (unsigned step = 0; step < grid.x; ++step) {
    blockIdx = {order == run_order::ascending ? step : grid.x - 1 - step, 0, 0};
    poison_shared_memory();
    shared.renew(config.dynamicSmemBytes);
    begin_block();
    reported = nullptr;
    block.run(size.x, kernel, order);
    if (reported == nullptr && copies_pending()) reported = "a kernel ends before its asynchronous copies";
    if (reported != nullptr) throw defect(reported);
  }
}

}  // namespace cuda_emulation
