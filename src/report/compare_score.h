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

// The test, and then each further test that both have, by its name: "test.accuracy@40". By accuracy, of text
// by loss, of sources by the loss above their entropy: a paired t test over the seeds that both have when
// they are at least two and half of the smaller side, else Welch's over at least two of each, else, of the
// one seed that both have, the normal approximation over its test examples. Worse when more runs of the same
// seeds, or all, ended badly; where only more of other seeds did, nothing can be told. `margin` is of
// accuracy, in nats above a source, and a share of the loss of text.
std::vector<ScoreComparison> compare_scores(const Runs& base, const Runs& fresh, double margin);

// Names of further tests that are among the runs of one side alone.
Texts tests_of_one_side(const Runs& base, const Runs& fresh);

// Gives verdicts after Holm's correction over all of them: better or worse beyond the margin and by p, the
// same when the whole interval is within the margin.
void decide(std::vector<ScoreComparison>& all);

// "p = 0.012". The tests are approximations, and say nothing of what is below 1e-4: "p < 0.0001", never 0.
std::string p_text(double p);

// "about 5 more runs would tell": of `needed` in all, `have` are there.
std::string more_would_tell(double needed, std::size_t have, const std::string& what);

}  // namespace seqbench
