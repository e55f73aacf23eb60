#include "kernels/sparse_k_select.h"

#include <algorithm>
#include <vector>

#include "kernels/sparsek_projection.h"

namespace seqbench::kernels {
namespace {

// The k tokens of the largest scores so far. Of equal scores the older stays.
class Largest {
 public:
  Largest(std::int64_t k, const double* u) : k_(static_cast<std::size_t>(k)), u_(u) {}

  // Adds a token; returns the one that is not, or no longer, among the k: -1 when there is room for all.
  std::int32_t insert(std::int32_t token) {
    const auto better = [this](std::int32_t a, std::int32_t b) {
      const double ua = rank_of_score(u_[a]);
      const double ub = rank_of_score(u_[b]);
      return ua > ub || (ua == ub && a < b);
    };
    heap_.push_back(token);
    std::ranges::push_heap(heap_, better);
    if (heap_.size() <= k_) return -1;
    std::ranges::pop_heap(heap_, better);
    const std::int32_t least = heap_.back();
    heap_.pop_back();
    return least;
  }

 private:
  std::size_t k_;
  const double* u_;
  std::vector<std::int32_t> heap_;
};

void select_head(const SparseKShape& s, const double* u, const SparseKSelection& selection) {
  const auto never = static_cast<std::int32_t>(s.queries);
  for (std::int32_t* rows : {selection.leaves, selection.fades, selection.drops})
    std::fill_n(rows, s.tokens(), never);
  SparsekThreshold threshold(s.k);
  Largest largest(s.k, u);
  std::int64_t candidate = 0;
  for (std::int64_t i = 0; i < s.queries; ++i) {
    const auto row = static_cast<std::int32_t>(i);
    for (; candidate < s.candidates(i); ++candidate) {
      const auto token = static_cast<std::int32_t>(candidate);
      threshold.insert(rank_of_score(u[candidate]), token);
      for (const std::int32_t faded : threshold.faded()) selection.fades[faded] = row;
      for (const std::int32_t dropped : threshold.dropped()) selection.drops[dropped] = row;
      if (candidate < s.outside) continue;
      const std::int32_t left = largest.insert(token);
      if (left >= 0) selection.leaves[left] = row;
    }
    selection.tau[i] = threshold.value();
    selection.active[i] = static_cast<std::int32_t>(threshold.active());
  }
}

}  // namespace

void sparse_k_select(const SparseKShape& shape, const double* u, const SparseKSelection& selection) {
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    for (std::int64_t g = 0; g < shape.kv_heads; ++g) {
      select_head(shape, u + (b * shape.kv_heads + g) * shape.tokens(), selection.of_head(shape, b, g));
    }
  }
}

}  // namespace seqbench::kernels
