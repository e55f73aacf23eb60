#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiment/format.h"
#include "experiment/table.h"
#include "report/compare.h"
#include "report/plot.h"

namespace seqbench {
namespace {

std::string difference_text(const Compared& row) {
  const auto& [low, high] = row.interval;
  if (row.is_speed && !std::isfinite(low)) return fmt::format("x{:.3f}", row.fresh);
  if (row.is_speed) return fmt::format("x{:.3f} [{:.3f}, {:.3f}]", row.fresh, low, high);
  if (!std::isfinite(row.base) || !std::isfinite(row.fresh)) return "-";
  const std::string difference = fmt::format("{:+.3f}", row.fresh - row.base);
  return std::isfinite(low) ? fmt::format("{} [{:+.3f}, {:+.3f}]", difference, low, high) : difference;
}

Table table_of(const ComparisonReport& report) {
  Table table;
  for (const char* name : {"experiment", "runs of", "figure"}) table.add_column(name, Align::left);
  for (const char* name : {"base", "new", "difference [95%]", "runs"}) table.add_column(name, Align::right);
  table.add_column("verdict", Align::left);
  table.add_column("", Align::left);
  for (const Compared& row : report.rows) {
    table.add_row({row.experiment, row.name, row.figure, row.is_speed ? "1" : share(row.base),
                   share(row.fresh), difference_text(row),
                   fmt::format("{} / {}", row.base_runs, row.fresh_runs), name_of(row.verdict), row.why});
  }
  return table;
}

std::string verdicts(const ComparisonReport& report) {
  Texts parts;
  for (const Verdict verdict : {Verdict::worse, Verdict::better, Verdict::same, Verdict::unsure}) {
    const auto count = std::ranges::count(report.rows, verdict, &Compared::verdict);
    if (count > 0) parts.push_back(fmt::format("{} {}", count, name_of(verdict)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

// Of the speeds; "" when none is compared.
std::string speed_note(const ComparisonReport& report) {
  const bool any = std::ranges::any_of(report.rows, &Compared::is_speed);
  return any ? "speed: new over base, each timing as a share of the rate of matrix products right beside "
               "it.\n"
             : "";
}

}  // namespace

std::string comparison_text(const ComparisonReport& report) {
  const std::string note = speed_note(report);
  return table_of(report).text() + (note.empty() ? "" : "  " + note) + verdicts(report) + "\n";
}

std::string comparison_markdown(const ComparisonReport& report) {
  std::string text =
      "**" + verdicts(report) + "**\n\n" + table_of(report).markdown() + "\n" + speed_note(report);
  for (const std::string& problem : report.problems) text += "- " + markdown_escape(problem) + "\n";
  return text;
}

std::string comparison_junit(const ComparisonReport& report) {
  const auto worse = std::ranges::count(report.rows, Verdict::worse, &Compared::verdict);
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"seqbench compare\" tests=\"{}\" "
      "failures=\"{}\">\n",
      report.rows.size() + report.problems.size(), worse);
  for (const Compared& row : report.rows) {
    text += fmt::format("  <testcase classname=\"{}\" name=\"{}\">", svg_escape(row.experiment),
                        svg_escape(row.name + " " + row.figure));
    const std::string message = svg_escape(fmt::format(
        "{} instead of {}{}{}", share(row.fresh), share(row.base), row.why.empty() ? "" : "; ", row.why));
    if (row.verdict == Verdict::worse) text += "<failure message=\"" + message + "\"/>";
    if (row.verdict == Verdict::unsure) text += "<skipped message=\"" + message + "\"/>";
    text += "</testcase>\n";
  }
  for (const std::string& problem : report.problems) {
    text +=
        "  <testcase classname=\"not compared\" name=\"" + svg_escape(problem) + "\"><skipped/></testcase>\n";
  }
  return text + "</testsuite>\n";
}

}  // namespace seqbench
