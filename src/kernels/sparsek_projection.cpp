#include "kernels/sparsek_projection.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

namespace seqbench::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Adding and subtracting scores leaves a rounding error in their sum; it is taken anew after so many scores.
constexpr std::int64_t kSumAgain = 4096;

}  // namespace

// From the top of the sorted scores tau descends over the points where a score becomes active (at z) or
// reaches 1 (at z - 1), until the sum at the next such point would be k or more.
double sparsek_threshold(std::vector<double> z, std::int64_t k) {
  if (static_cast<std::int64_t>(z.size()) <= k) return -kInfinity;
  std::ranges::sort(z, std::greater<>());
  std::size_t ones = 0;   // z[0 .. ones) have p = 1
  std::size_t above = 0;  // z[ones .. above) are active
  double sum = 0;         // of the active
  for (;;) {
    const double enters = above < z.size() ? z[above] : -kInfinity;
    const double fills = ones < above ? z[ones] - 1 : -kInfinity;
    const double next = std::max(enters, fills);
    const double active = static_cast<double>(above - ones);
    const double missing = static_cast<double>(k) - static_cast<double>(ones);
    if (ones == above ? missing <= 0 : sum - active * next >= missing)
      return ones == above ? next : (sum - missing) / active;
    if (enters >= fills) {
      sum += z[above++];
    } else {
      sum -= z[ones++];
    }
  }
}

std::vector<double> sparsek(const std::vector<double>& z, std::int64_t k) {
  std::vector<double> ranks(z.size());
  std::ranges::transform(z, ranks.begin(), rank_of_score);
  const double tau = sparsek_threshold(std::move(ranks), k);
  std::vector<double> p(z.size());
  std::ranges::transform(z, p.begin(), [&](double score) { return std::clamp(score - tau, 0.0, 1.0); });
  return p;
}

std::vector<double> sparsek_backward(const std::vector<double>& p, const std::vector<double>& dp) {
  const auto active = [&](std::size_t j) { return 0 < p[j] && p[j] < 1; };
  double sum = 0;
  double count = 0;
  for (std::size_t j = 0; j < p.size(); ++j) {
    if (!active(j)) continue;
    sum += dp[j];
    count += 1;
  }
  std::vector<double> dz(p.size());
  for (std::size_t j = 0; j < p.size(); ++j) dz[j] = active(j) ? dp[j] - sum / count : 0;
  return dz;
}

double SparsekThreshold::least_of(const std::vector<Score>& heap) {
  if (heap.empty()) return kInfinity;
  return heap.front().z;
}

void SparsekThreshold::push(std::vector<Score>& heap, const Score& score) {
  heap.push_back(score);
  std::ranges::push_heap(heap, above);
}

SparsekThreshold::Score SparsekThreshold::pop(std::vector<Score>& heap) {
  std::ranges::pop_heap(heap, above);
  const Score least = heap.back();
  heap.pop_back();
  return least;
}

void SparsekThreshold::fade(const Score& score) {
  push(active_, score);
  sum_ += score.z;
  faded_.push_back(score.id);
}

void SparsekThreshold::sum_again() {
  sum_ = 0;
  for (const Score& score : active_) sum_ += score.z;
}

// Where tau must be for the sum to be k as long as the same scores are active.
double SparsekThreshold::root() const {
  const double missing = static_cast<double>(k_) - static_cast<double>(ones_.size());
  return active_.empty() ? kInfinity : (sum_ - missing) / static_cast<double>(active_.size());
}

void SparsekThreshold::insert(double z, std::int32_t id) {
  faded_.clear();
  dropped_.clear();
  ++seen_;
  if (z <= tau_) {
    faded_.push_back(id);
    dropped_.push_back(id);
    return;
  }
  if (z - tau_ < 1) {
    fade({z, id});
  } else {
    push(ones_, {z, id});
  }
  if (seen_ % kSumAgain == 0) sum_again();
  if (seen_ > k_) settle();
}

// Raises tau from one point where a score moves to the next, until no score moves before the root.
void SparsekThreshold::settle() {
  for (;;) {
    if (active_.empty() && static_cast<std::int64_t>(ones_.size()) <= k_) return;  // every p is 0 or 1
    const double target = root();
    const double fades = least_of(ones_) - 1;
    const double drops = least_of(active_);
    if (target < drops && target <= fades) {
      tau_ = std::max(tau_, target);
      return;
    }
    tau_ = std::max(tau_, std::min(fades, drops));
    if (active_.empty() || (fades <= drops && target > fades)) {
      fade(pop(ones_));
    } else {
      const Score least = pop(active_);
      dropped_.push_back(least.id);
      sum_ -= least.z;
      // One score left would keep its rounding error for ever: it alone must give tau exactly.
      if (active_.size() <= 1) sum_again();
    }
  }
}

}  // namespace seqbench::kernels
