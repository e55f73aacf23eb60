// Whether new runs score as well as earlier ones.
#pragma once
#include <string>
#include <vector>

#include "report/compare.h"

namespace seqbench {

struct ScoreComparison {
  Compared row;  // without its names; its verdict stands where runs ended badly, else decide() gives it
  Comparison comparison;  // of the score, fresh - base; p is 1 where nothing can be tested
  double margin = 0;      // of the score, not a share
  bool tested = false;
};

// By test accuracy, of text by test loss, of sources by the loss above their entropy: a paired t test over
// the seeds that both have when they are at least two and half of the smaller side, else Welch's over at
// least two of each, else, of the one seed that both have, the normal approximation over its test examples.
// Worse when more runs of the same seeds, or all, ended badly; where only more of other seeds did, nothing
// can be told. `margin` is of accuracy, in nats above a source, and a share of the loss of text.
ScoreComparison compare_scores(const Runs& base, const Runs& fresh, double margin);

// Gives verdicts after Holm's correction over all of them: better or worse beyond the margin and by p, the
// same when the whole interval is within the margin.
void decide(std::vector<ScoreComparison>& all);

// "about 5 more runs would tell": of `needed` in all, `have` are there.
std::string more_runs(double needed, std::size_t have);

}  // namespace seqbench
