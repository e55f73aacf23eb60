#include "cli/report_command.h"

#include "base/files.h"
#include "cli/app.h"
#include "cli/output.h"
#include "report/report.h"

namespace seqbench {
namespace {

ReportRequest request_of(const ReportArguments& a) {
  ReportRequest request{.folders = {a.folders.begin(), a.folders.end()},
                        .format = report_format(a.format),
                        .filters = a.filters,
                        .selection = {a.over, a.select},
                        .explain = a.explain,
                        .plots = a.plots};
  if (a.rows.empty() && a.columns.empty() && a.metric.empty()) return request;
  Pivot pivot{.columns = a.columns};
  if (!a.rows.empty()) pivot.rows = a.rows;
  if (!a.metric.empty()) pivot.metric = a.metric;
  request.pivot = pivot;
  return request;
}

}  // namespace

int report_command(const ReportArguments& arguments) {
  const Report report = make_report(request_of(arguments));
  for (const std::string& problem : report.problems) print_error("seqbench: " + problem + "\n");
  if (arguments.out.empty()) return print_text(report.text);
  replace_file(arguments.out, report.text);
  return kDone;
}

}  // namespace seqbench
