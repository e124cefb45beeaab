#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "cuda_runtime.h"
#include "thread_block.hpp"

namespace cuda_emulation {
namespace {

template<class To, class From>
To as(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}

/// 2^exponent for the exponents of normal numbers.
double power_of_two(int exponent) { return as<double>(static_cast<std::uint64_t>(exponent + 1023) << 52); }
int exponent_of(double x) { return static_cast<int>(as<std::uint64_t>(x) >> 52 & 0x7ff) - 1023; }

double number_of(std::uint16_t bits, operand_numbers numbers) {
  if (numbers == operand_numbers::bfloat16) return static_cast<double>(as<float>(static_cast<std::uint32_t>(bits) << 16));
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude = 0;
  if (exponent == 31)
    magnitude = fraction != 0 ? std::nan("") : HUGE_VAL;
  else
    magnitude = (exponent != 0 ? 1024 + fraction : fraction) * power_of_two((exponent != 0 ? exponent : 1) - 25);
  return (bits >> 15) != 0 ? -magnitude : magnitude;
}

/// The numbers of a word, as many as it has.
int numbers_of(std::uint32_t word, operand_numbers numbers, double* to) {
  if (numbers == operand_numbers::tf32) {
    to[0] = static_cast<double>(as<float>(word & 0xffffe000u));
    return 1;
  }
  to[0] = number_of(static_cast<std::uint16_t>(word & 0xffff), numbers);
  to[1] = number_of(static_cast<std::uint16_t>(word >> 16), numbers);
  return 2;
}

float cut_off(double x) {
  const auto nearest = static_cast<float>(x);
  return std::fabs(static_cast<double>(nearest)) > std::fabs(x) ? std::nextafter(nearest, 0.0f) : nearest;
}

/// c and all products, each cut off below 24 bits of the largest.
float cut_off_sum(float c, const double* products, int count) {
  auto largest = std::fabs(static_cast<double>(c));
  double sum = static_cast<double>(c);
  bool finite = largest < HUGE_VAL;
  for (int i = 0; i < count; ++i) {
    largest = std::max(largest, std::fabs(products[i]));
    sum += products[i];
    finite = finite && std::fabs(products[i]) < HUGE_VAL;
  }
  if (!finite) return static_cast<float>(sum);
  const int last_bit = std::max(exponent_of(largest), -126) - 23;
  const double scale = power_of_two(-last_bit);
  auto units = static_cast<std::int64_t>(static_cast<double>(c) * scale);
  for (int i = 0; i < count; ++i) units += static_cast<std::int64_t>(products[i] * scale);
  return cut_off(static_cast<double>(units) * power_of_two(last_bit));
}

struct lane_operands {
  float* const* c;
  const std::uint32_t *a, *b;
};

/// The sums of all lanes of a warp. The first lane that goes on makes them: later, operands may have changed.
struct warp_product {
  float sums[32][4];
  unsigned lanes_served = 0;

  void make(operand_numbers numbers, const std::uint64_t* given) {
    const auto lane_of = [given](unsigned lane) { return reinterpret_cast<const lane_operands*>(given[lane]); };
    double a[16][8][2], b[8][8][2];    // [row or column][word][number]
    bool zero_a[16][2], zero_b[8][2];  // a group of four words of a row or column, as of padding: saves time
    int in_word = 1;
    for (unsigned row = 0; row < 16; ++row) {
      std::uint32_t bits[2] = {0, 0};
      for (unsigned k = 0; k < 8; ++k) {
        const std::uint32_t word = lane_of(row % 8 * 4 + k % 4)->a[row / 8 + k / 4 * 2];
        bits[k / 4] |= word;
        in_word = numbers_of(word, numbers, a[row][k]);
      }
      for (int group = 0; group < 2; ++group) zero_a[row][group] = bits[group] == 0;
    }
    for (unsigned col = 0; col < 8; ++col) {
      std::uint32_t bits[2] = {0, 0};
      for (unsigned k = 0; k < 8; ++k) {
        const std::uint32_t word = lane_of(col * 4 + k % 4)->b[k / 4];
        bits[k / 4] |= word;
        (void)numbers_of(word, numbers, b[col][k]);
      }
      for (int group = 0; group < 2; ++group) zero_b[col][group] = bits[group] == 0;
    }
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < 4; ++i) {
        const unsigned row = lane / 4 + i / 2 * 8, col = lane % 4 * 2 + i % 2;
        float sum = *lane_of(lane)->c[i];
        for (unsigned first = 0; first < 8; first += 4) {
          if (zero_a[row][first / 4] || zero_b[col][first / 4]) continue;
          double products[8];
          int count = 0;
          for (unsigned k = first; k < first + 4; ++k)
            for (int n = 0; n < in_word; ++n) products[count++] = a[row][k][n] * b[col][k][n];
          sum = cut_off_sum(sum, products, count);
        }
        sums[lane][i] = sum;
      }
  }
};

struct copy {
  void* to;
  const void* from;  // null: zeros
};
/// Of one thread: groups in the order of their commits, the last one still open.
using copy_groups = std::vector<std::vector<copy>>;

std::array<warp_product, 32>& products() {
  static auto* const all = new std::array<warp_product, 32>;
  return *all;
}
std::array<copy_groups, 1024>& copies() {
  static auto* const all = new std::array<copy_groups, 1024>;
  return *all;
}
copy_groups& own_copies() {
  auto& groups = copies()[threadIdx.x];
  if (groups.empty()) groups.emplace_back();
  return groups;
}

}  // namespace

void mma(operand_numbers numbers, float* const (&c)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], call_site at) {
  const lane_operands own{c, a, b};
  const std::uint64_t* const given = warp_collective(~0u, reinterpret_cast<std::uint64_t>(&own), at);
  warp_product& product = products()[threadIdx.x / 32];
  if (product.lanes_served == 0) product.make(numbers, given);
  product.lanes_served = (product.lanes_served + 1) % 32;
  for (unsigned i = 0; i < 4; ++i) *c[i] = product.sums[threadIdx.x % 32][i];
}

void copy_async(void* shared, const void* global, bool there) {
  if ((reinterpret_cast<std::uintptr_t>(shared) | reinterpret_cast<std::uintptr_t>(global)) % 16 != 0)
    report("an asynchronous copy is not aligned");
  std::memset(shared, 0xff, 16);
  own_copies().back().push_back({shared, there ? global : nullptr});
}
void commit_copies() { own_copies().emplace_back(); }
void wait_for_copies(std::size_t most_groups) {
  auto& groups = own_copies();
  while (groups.size() > most_groups + 1) {
    for (const copy& one : groups.front()) {
      if (one.from != nullptr)
        std::memcpy(one.to, one.from, 16);
      else
        std::memset(one.to, 0, 16);
    }
    groups.erase(groups.begin());
  }
}

void begin_block() {
  for (auto& product : products()) product.lanes_served = 0;
  for (auto& groups : copies()) groups.clear();
}
bool copies_pending() {
  for (const auto& groups : copies())
    for (const auto& group : groups)
      if (!group.empty()) return true;
  return false;
}

}  // namespace cuda_emulation
