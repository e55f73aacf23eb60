#include "report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "experiment/environment.h"
#include "experiment/spec.h"
#include "report/figures.h"
#include "report/metric.h"
#include "report/page_parts.h"
#include "report/pairs.h"
#include "report/plot.h"
#include "report/tables.h"

namespace seqbench {
namespace {

std::string notes_html(const Texts& notes) {
  std::string items;
  for (const std::string& note : notes) items += "<li>" + svg_escape(note) + "</li>";
  return items.empty() ? "" : "<ul class=\"notes\">" + items + "</ul>\n";
}

std::string cell_html(const Texts& row, const std::vector<Table::Heading>& headings) {
  std::string text = "<tr>";
  for (std::size_t c = 0; c < row.size(); ++c) {
    text += fmt::format("<td{}>{}</td>", headings[c].align == Align::right ? " class=\"n\"" : "",
                        svg_escape(row[c]));
  }
  return text + "</tr>\n";
}

std::string table_html(const Table& table, bool sortable) {
  const auto headings = table.headings();
  std::string text =
      fmt::format("<div class=\"scroll\"><table{}><thead><tr>", sortable ? " class=\"sort\"" : "");
  for (const auto& heading : headings) {
    const std::string name = svg_escape(heading.text);
    text += fmt::format("<th{}>{}</th>", heading.align == Align::right ? " class=\"n\"" : "",
                        sortable ? "<button type=\"button\">" + name + "</button>" : name);
  }
  text += "</tr></thead><tbody>\n";
  for (const Texts& row : table.cells()) text += cell_html(row, headings);
  return text + "</tbody></table></div>\n" + notes_html(table.lines());
}

std::string details(const std::string& summary, const std::string& inside) {
  return "<details><summary>" + svg_escape(summary) + "</summary>" + inside + "</details>\n";
}

std::string figure_html(const Figure& figure) {
  return "<figure><div class=\"scroll\">" + figure.svg + "</div><figcaption>" + svg_escape(figure.caption) + "</figcaption>" +
         details("numbers", table_html(figure.data, false)) + "</figure>\n";
}

Table runs_table(const Summary& summary) {
  Table table;
  for (const char* name : {"run", "row above", "file", "status"}) table.add_column(name, Align::left);
  for (const char* name : {"seed", "test accuracy", "test loss", "seconds"})
    table.add_column(name, Align::right);
  for (const Group& group : summary.groups) {
    for (const Record* run : group.rivals) {
      table.add_row({run->id, group.holds(run) ? name_of(group) : "not selected",
                     (run->folder / "result.json").string(), run->ok() ? "ok" : run->trouble(),
                     run->field("seed"), metric_text("test.accuracy", metric(*run, "test.accuracy")),
                     metric_text("test.loss", metric(*run, "test.loss")),
                     run->stored ? fmt::format("{:.1f}", run->stored->result.total_seconds) : "-"});
    }
  }
  return table;
}

// What all runs of the summary have in common.
std::string common_spec(const Summary& summary) {
  Runs runs;
  for (const Group& group : summary.groups) runs.insert(runs.end(), group.rivals.begin(), group.rivals.end());
  if (runs.empty()) return "";
  const Texts varying = varying_fields(runs);
  Table table;
  table.add_column("setting", Align::left);
  table.add_column("value", Align::left);
  for (const auto& [path, value] : runs[0]->fields) {
    const bool varies = std::ranges::find(varying, path) != varying.end() || path == "seed" ||
                        path == "mechanism" || path.starts_with("model.mixer.");
    if (!varies) table.add_row({path, value});
  }
  return details("settings that all runs share", table_html(table, false));
}

std::string section_html(const Summary& summary) {
  const std::string by = score_metric(summary);
  std::string text = "<section>\n<h2>" + svg_escape(summary.title) + "</h2>\n";
  text += table_html(main_table(summary), true) + notes_html(notes(summary));
  text += "<div class=\"figures\">\n";
  for (const Figure& figure : figures_of(summary)) text += figure_html(figure);
  text += "</div>\n";
  if (const auto [table, note] = differences_of(summary, by); !note.empty()) {
    text += "<h3>Differences</h3>\n" + (table.cells().empty() ? "" : table_html(table, false)) +
            notes_html({note});
  }
  return text + common_spec(summary) + details("runs", table_html(runs_table(summary), true)) +
         "</section>\n";
}

// "84 runs of 2 experiments, 2024-05-01 to 2024-05-02; seqbench 0.1.0 (3f2a91c0d4e5)"
std::string overview(const std::vector<Summary>& summaries) {
  std::set<std::string> days, versions;
  std::size_t runs = 0;
  for (const Summary& summary : summaries) {
    for (const Group& group : summary.groups) {
      runs += group.rivals.size();
      for (const Record* run : group.rivals) {
        if (!run->stored) continue;
        days.insert(run->stored->started.substr(0, 10));
        versions.insert(
            fmt::format("{} ({})", run->stored->environment.version, run->stored->environment.commit));
      }
    }
  }
  const std::string when = days.empty()       ? ""
                           : days.size() == 1 ? ", " + *days.begin()
                                              : fmt::format(", {} to {}", *days.begin(), *days.rbegin());
  return fmt::format("{} runs of {} experiment{}{}; seqbench {}", runs, summaries.size(),
                     summaries.size() == 1 ? "" : "s", when, fmt::join(versions, ", "));
}

}  // namespace

std::string page(const std::vector<Summary>& summaries, const Texts& problems) {
  std::string title = summaries.size() == 1 ? summaries[0].title + " · seqbench" : "seqbench report";
  std::string text =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"color-scheme\" content=\"light dark\">"
      "<link rel=\"icon\" href=\"data:,\"><title>" +
      svg_escape(title) + "</title>\n<style>\n" + page_style() + plot_style() +
      "</style></head>\n<body>\n<header><h1>" + svg_escape(title) + "</h1><p>" +
      svg_escape(overview(summaries)) + "</p></header>\n<main>\n";
  if (!problems.empty()) text += "<section><h2>Not shown</h2>" + notes_html(problems) + "</section>\n";
  for (const Summary& summary : summaries) text += section_html(summary);
  return text + "</main>\n<script>\n" + page_script() + "</script>\n</body></html>\n";
}

void write_plots(const std::vector<Summary>& summaries, const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  fail_if(failed.value() != 0, "{}: cannot be made: {}.", folder.string(), failed.message());
  for (const Summary& summary : summaries) {
    for (const Figure& figure : figures_of(summary)) {
      replace_file(folder / (slug(summary.title + "-" + figure.name) + ".svg"), svg_file(figure.svg));
    }
  }
}

}  // namespace seqbench
