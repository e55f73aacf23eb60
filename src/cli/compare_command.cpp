#include "cli/compare_command.h"

#include <algorithm>

#include "base/files.h"
#include "cli/app.h"
#include "cli/output.h"
#include "report/compare.h"

namespace seqbench {

int compare_command(const CompareArguments& arguments) {
  const ComparisonReport report = compare({.base = {arguments.base},
                                           .fresh = {arguments.fresh},
                                           .allow = arguments.allow,
                                           .margin = arguments.margin,
                                           .speed_margin = arguments.speed_margin,
                                           .speed = !arguments.no_speed});
  for (const std::string& problem : report.problems) print_error("seqbench: " + problem + "\n");
  if (!arguments.junit.empty()) replace_file(arguments.junit, comparison_junit(report));
  print_beside(arguments.junit, arguments.markdown ? comparison_markdown(report) : comparison_text(report));
  const bool worse = std::ranges::find(report.rows, Verdict::worse, &Compared::verdict) != report.rows.end();
  return worse ? kFailed : kDone;
}

}  // namespace seqbench
