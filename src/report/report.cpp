#include "report/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "report/data.h"
#include "report/metric.h"
#include "report/page.h"
#include "report/pairs.h"
#include "report/tables.h"

namespace seqbench {
namespace {

std::string rendered(const Table& table, ReportFormat format) {
  switch (format) {
    case ReportFormat::markdown:
      return table.markdown();
    case ReportFormat::latex:
      return table.latex();
    case ReportFormat::csv:
      return table.csv();
    default:
      return table.text(kWidestLabel);
  }
}

// Notes below a table, as each format can hold them.
std::string rendered(const Texts& notes, ReportFormat format) {
  std::string text;
  for (const std::string& note : notes) {
    text += format == ReportFormat::latex      ? "% " + note + "\n"
            : format == ReportFormat::markdown ? "- " + markdown_escape(note) + "\n"
            : format == ReportFormat::csv      ? ""
                                               : "  " + note + "\n";
  }
  return format == ReportFormat::markdown && !text.empty() ? "\n" + text : text;
}

std::string heading(const std::string& title, ReportFormat format) {
  return format == ReportFormat::latex      ? "% " + title + "\n"
         : format == ReportFormat::markdown ? "## " + markdown_escape(title) + "\n\n"
                                            : title + "\n";
}

std::string document(const Summary& summary, const ReportRequest& request, bool titled) {
  const ReportFormat format = request.format;
  const std::string by = score_metric(summary);
  std::string text = titled ? heading(summary.title, format) : "";
  if (format == ReportFormat::text) {
    text += summary_text(summary, request.explain);
  } else {
    Table table = main_table(summary);
    if (request.explain) explain_groups(table, summary, by);
    text += rendered(table, format) + rendered(notes(summary), format);
  }
  const auto [table, note] = differences_of(summary, by);
  if (note.empty()) return text;
  return text + "\n" + (table.cells().empty() ? "" : rendered(table, format)) + rendered(Texts{note}, format);
}

// A name of a folder may be no UTF-8, which JSON has to be.
std::string json_text(const std::vector<Summary>& summaries, const Texts& problems) {
  return summaries_json(summaries, problems).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string pivot_text(const Runs& records, const Texts& problems, const ReportRequest& request) {
  const Pivot& pivot = *request.pivot;
  const Summary summary = pivoted(records, pivot, request.selection.by);
  if (request.format == ReportFormat::json) return json_text({summary}, problems);
  Table table = pivot_table(summary, pivot);
  if (request.explain) explain_groups(table, summary, pivot.metric);
  return rendered(table, request.format) + rendered(pivot_notes(summary, pivot), request.format);
}

std::string summaries_report(const std::vector<Summary>& summaries, const Texts& problems,
                             const ReportRequest& request) {
  if (request.format == ReportFormat::json) return json_text(summaries, problems);
  if (request.format == ReportFormat::csv) return summaries_csv(summaries);
  if (request.format == ReportFormat::html) return page(summaries, problems);
  std::string text;
  for (const Summary& summary : summaries) {
    if (!text.empty()) text += "\n";
    text += document(summary, request, summaries.size() > 1);
  }
  return text;
}

// The fields that --over names: "lr", "model.width", "train".
Texts fields_over(const Runs& records, const Texts& names) {
  Texts all;
  for (const std::string& name : names) {
    Texts fields = seqbench::fields_over(records, name);
    if (fields.empty()) fields = seqbench::fields_over(records, find_field(records, name));
    fail_if(fields.empty() || fields[0] == "seed",
            "--over {}: seeds and experiments are kept together and never chosen between; take it out.",
            name);
    fail_if(std::ranges::any_of(fields, is_of_task),
            "--over {}: results of different tasks are never chosen between; take it out.", name);
    all.insert(all.end(), fields.begin(), fields.end());
  }
  return all;
}

// Paths of fields for what the user calls them.
Texts full_names(const Runs& records, const Texts& names) {
  Texts paths;
  for (const std::string& name : names) paths.push_back(find_field(records, name));
  return paths;
}

std::vector<Record> kept_records(const Runs& kept) {
  std::vector<Record> records;
  for (const Record* record : kept) records.push_back(*record);
  return records;
}

void refuse_what_does_not_fit(const ReportRequest& request) {
  fail_if(request.pivot && request.format == ReportFormat::html,
          "--rows, --cols and --metric: the html page shows everything at once; take them out, or choose "
          "another --format.");
  fail_if(request.pivot && !request.plots.empty(),
          "--plots: plots are of everything at once; take out --rows, --cols and --metric.");
  fail_if(
      request.pivot && !request.selection.over.empty(),
      "--over: with --rows, --cols or --metric the best is shown over all fields that are neither rows nor "
      "columns; take it out.");
  fail_if(request.explain && request.format == ReportFormat::csv,
          "--explain: csv has cells only; \"--format json\" names the files behind each.");
  const std::string& by = request.selection.by;
  fail_if(
      !by.empty() && !by.starts_with("valid."),
      "--select {}: expected a figure of valid, like valid.accuracy: the test split is never selected on.",
      by);
}

}  // namespace

const Texts& report_formats() {
  static const Texts names = {"text", "markdown", "csv", "latex", "html", "json"};
  return names;
}

ReportFormat report_format(const std::string& name) {
  const auto found = std::ranges::find(report_formats(), name);
  fail_if(found == report_formats().end(), "{}", unknown_name("format", name, "report", report_formats()));
  return static_cast<ReportFormat>(found - report_formats().begin());
}

Report make_report(const ReportRequest& request) {
  refuse_what_does_not_fit(request);
  Records loaded = load_records(request.folders);
  const bool across = request.pivot.has_value();
  const std::size_t repeats = drop_repeats(loaded.all, across);
  if (repeats > 0) {
    loaded.problems.push_back(fmt::format("{} further result{} of runs that are there already {} left out.",
                                          repeats, repeats == 1 ? "" : "s", repeats == 1 ? "is" : "are"));
  }
  Selection selection{fields_over(pointers_to(loaded.all), request.selection.over), request.selection.by};
  const Naming naming{.over = selection.over, .across = across};
  name_and_order(loaded.all, naming);
  std::vector<Record> records = kept_records(filtered(pointers_to(loaded.all), request.filters));
  // What was filtered out needs no telling apart.
  name_and_order(records, naming);
  if (!selection.by.empty()) check_metric(records, selection.by);
  if (request.pivot) {
    const Runs pointers = pointers_to(records);
    ReportRequest asked = request;
    asked.pivot->rows = full_names(pointers, request.pivot->rows);
    asked.pivot->columns = full_names(pointers, request.pivot->columns);
    check_metric(records, request.pivot->metric);
    return {pivot_text(pointers, loaded.problems, asked), loaded.problems};
  }
  const std::vector<Summary> summaries = summaries_of(records, selection);
  if (!request.plots.empty()) write_plots(summaries, request.plots);
  return {summaries_report(summaries, loaded.problems, request), loaded.problems};
}

}  // namespace seqbench
