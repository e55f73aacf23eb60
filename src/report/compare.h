// Whether new results are as good and as fast as earlier ones.
#pragma once
#include <string>
#include <vector>

#include "experiment/statistics.h"
#include "report/record.h"

namespace seqbench {

enum class Verdict { same, better, worse, unsure };
const char* name_of(Verdict verdict);

struct CompareRequest {
  std::vector<std::filesystem::path> base, fresh;
  Texts allow = {};           // fields that may differ: "train.lr"
  double margin = 0.01;       // what matters: of accuracy, of loss as a share, above a source in nats
  double speed_margin = 0.1;  // of speed, as a share
  bool speed = true;
};

// One figure of the runs that differ in the seed alone.
struct Compared {
  std::string experiment;
  std::string name;    // "softmax 0.002": what tells its runs from others of the experiment
  std::string figure;  // "test.accuracy", "test.loss@length=40", "train speed", "decode speed at 1024"
  bool is_speed = false;
  double base = 0, fresh = 0;  // means; of speed 1 and the ratio
  Interval interval;           // 95%, of fresh - base; of speed of the ratio
  std::size_t base_runs = 0, fresh_runs = 0;
  Verdict verdict = Verdict::unsure;
  std::string why = {};  // how it was found, and what would settle it
};

struct ComparisonReport {
  std::vector<Compared> rows;
  Texts problems;  // results that could not be read, groups that only one side has, what is not compared
};

// Scores as report/compare_score.h says, speeds as report/compare_speed.h. Of copies of a result one counts.
// Throws Error when a folder has no result, when both have nothing in common, when a field of request.allow
// differs within one side, and when what is to be compared differs in anything but the seed, what is measured
// besides, the machine and request.allow (a task's version, its data, a setting), by name.
ComparisonReport compare(const CompareRequest& request);

std::string comparison_text(const ComparisonReport& report);
std::string comparison_markdown(const ComparisonReport& report);
// JUnit's XML: a test case per row, which fails when it is worse, and a skipped one per problem.
std::string comparison_junit(const ComparisonReport& report);

}  // namespace seqbench
