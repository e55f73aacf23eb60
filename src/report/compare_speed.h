// Whether new runs are as fast as earlier ones, on whatever machine each ran.
#pragma once
#include "report/compare.h"

namespace seqbench {

// Timings of one figure as shares of the machine's own rate beside them, those of each turn together.
using Turns = std::vector<std::vector<double>>;

struct SpeedFigure {
  Compared row;  // without its names; decide() gives its verdict
  Turns base, fresh;
};

struct SpeedComparison {
  std::vector<SpeedFigure> figures;
  Texts problems;  // what was timed and is not compared, and why
};

// Training, where both sides ran on as many threads, and prefill and decoding at the longest context that
// both have timings of. Runs in one folder of `run --out` (OUT/NAME/RUN) are one turn. Failed ones do not
// count.
SpeedComparison compare_speeds(const Runs& base, const Runs& fresh);

// Gives verdicts. A machine drifts from turn to turn, and all that is timed within one drifts along: the
// turns are what is independent, each by the median of its timings. The ratio is of their geometric means,
// its 95% interval Student's t over turns, with one spread for both sides: of three turns a bootstrap would
// know too little (the most it can say of three against three is one in twenty orders). Better or worse
// where, by Holm's correction over all figures, the ratio is further from 1 than the margin; the same where
// all of the interval is within it. Two turns on each side are the least. `margin` is a share of the speed.
void decide(std::vector<SpeedFigure>& all, double margin);

}  // namespace seqbench
