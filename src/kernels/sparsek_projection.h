// SPARSEK (Lou et al. 2024, arXiv 2406.16747): the projection of scores z in R^m onto {p: 0 <= p <= 1, sum p
// = k}. p_j = clip(z_j - tau, 0, 1), where tau makes the sum k. With k scores or fewer p = 1 and tau is -inf.
// Everything is in double: with a slope over positions, scores grow while the differences that matter do not.
#pragma once
#include <cstdint>
#include <cmath>
#include <limits>
#include <vector>

namespace seqbench::kernels {

// tau of all of z, by sorting: O(m log m). Where a range of tau gives the same p, its upper end is not
// promised.
double sparsek_threshold(std::vector<double> z, std::int64_t k);

std::vector<double> sparsek(const std::vector<double>& z, std::int64_t k);

// dz of dp: with s_j = 1 where 0 < p_j < 1, dz = s (dp - mean of dp where s). The Jacobian is symmetric.
std::vector<double> sparsek_backward(const std::vector<double>& p, const std::vector<double>& dp);

// What a score is chosen by: one that is no number counts as larger than all that are, so that it stays and
// its gate, which is NaN, reaches the output.
inline double rank_of_score(double u) { return std::isnan(u) ? 1e38 : u; }

// tau of a set of scores that only grows, in O(log m) per score on average. tau never falls, so a p that has
// left 1 never returns to it, and one that has reached 0 stays there: each score moves at most twice, and
// scores at 0 are forgotten.
class SparsekThreshold {
 public:
  explicit SparsekThreshold(std::int64_t k) : k_(k) {}

  // Adds a score; `id` names it in faded() and dropped().
  void insert(double z, std::int32_t id);

  double value() const { return tau_; }
  std::int64_t active() const { return static_cast<std::int64_t>(active_.size()); }  // 0 < p < 1
  // What the last insert moved: scores whose p was 1 or new and is now less; and whose p is now 0. A score
  // may be in both.
  const std::vector<std::int32_t>& faded() const { return faded_; }
  const std::vector<std::int32_t>& dropped() const { return dropped_; }

 private:
  struct Score {
    double z;
    std::int32_t id;
  };
  static bool above(const Score& a, const Score& b) { return a.z > b.z; }
  static double least_of(const std::vector<Score>& heap);
  static void push(std::vector<Score>& heap, const Score& score);
  static Score pop(std::vector<Score>& heap);
  void fade(const Score& score);
  void settle();
  double root() const;
  void sum_again();

  std::int64_t k_;
  std::int64_t seen_ = 0;
  double tau_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0;             // of active_
  std::vector<Score> ones_;    // p = 1; a heap, least first
  std::vector<Score> active_;  // 0 < p < 1; a heap, least first
  std::vector<std::int32_t> faded_, dropped_;
};

}  // namespace seqbench::kernels
