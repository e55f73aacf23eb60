#include "experiment/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "experiment/format.h"

namespace seqbench {
namespace {

Texts lines_of(const std::string& text) {
  Texts lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// "para-", "meters" -> "parameters"; "test accuracy", "mean" -> "test accuracy, mean"
std::string one_line(const Texts& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (text.ends_with("-") && text.size() > 1) {
      text.pop_back();
    } else if (!text.empty()) {
      text += line.starts_with("/") ? "" : " ";
    }
    text += line;
  }
  return text;
}

std::string with_replaced(const std::string& text, std::string_view special, const auto& replacement) {
  std::string made;
  for (const char c : text)
    made += special.find(c) == std::string_view::npos ? std::string(1, c) : replacement(c);
  return made;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  return "\"" + with_replaced(text, "\"", [](char) { return std::string("\"\""); }) + "\"";
}

// A bracket or a star that starts a row would be an argument of the line's end before it.
std::string latex_cell(const std::string& text) {
  const char* const guard = text.starts_with('[') || text.starts_with('*') ? "{}" : "";
  return guard + with_replaced(text, "&%$#_{}~^\\<>", [](char c) {
           if (c == '~') return std::string("\\textasciitilde{}");
           if (c == '^') return std::string("\\textasciicircum{}");
           if (c == '\\') return std::string("\\textbackslash{}");
           if (c == '<' || c == '>') return fmt::format("${}$", c);
           return fmt::format("\\{}", c);
         });
}

// Cells of one line of a table, each made by `cell`.
std::string joined(const Texts& cells, const std::string& between, std::string (*cell)(const std::string&)) {
  std::string text;
  for (std::size_t c = 0; c < cells.size(); ++c) text += (c > 0 ? between : "") + cell(cells[c]);
  return text;
}

// All of them cut to `widest` characters, or none where two that differ would become equal.
Texts cut_apart(const Texts& all, std::size_t widest) {
  Texts shorter;
  for (const std::string& text : all) shorter.push_back(cut(text, widest));
  const auto distinct = [](const Texts& texts) {
    return std::set<std::string>(texts.begin(), texts.end()).size();
  };
  return distinct(shorter) == distinct(all) ? shorter : all;
}

}  // namespace

std::string markdown_escape(const std::string& text) {
  return with_replaced(text, "|<\n",
                       [](char c) { return c == '\n' ? std::string(" ") : std::string("\\") + c; });
}

void Table::add_column(const std::string& header, Align align) {
  columns_.push_back({lines_of(header), align});
}

void Table::add_row(Texts cells) {
  cells.resize(columns_.size());
  rows_.push_back({std::move(cells), false});
}

void Table::add_line(std::string text) { rows_.push_back({{std::move(text)}, true}); }

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths(columns_.size());
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    for (const std::string& line : columns_[c].header) widths[c] = std::max(widths[c], characters_of(line));
    for (const Row& row : rows_) {
      if (!row.across) widths[c] = std::max(widths[c], characters_of(row.cells[c]));
    }
  }
  return widths;
}

std::string Table::line(const Texts& cells, const std::vector<std::size_t>& widths) const {
  std::string text;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const std::string pad(widths[c] - characters_of(cells[c]), ' ');
    if (c > 0) text += "  ";
    text += columns_[c].align == Align::left ? cells[c] + pad : pad + cells[c];
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

Table Table::cut_to(std::size_t widest) const {
  Table table = *this;
  Texts names;
  for (const Column& column : columns_) names.push_back(fmt::format("{}", fmt::join(column.header, "\n")));
  names = cut_apart(names, widest);
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    table.columns_[c].header = lines_of(names[c]);
    if (columns_[c].align == Align::right) continue;
    Texts cells;
    for (const Row& row : rows_) cells.push_back(row.across ? "" : row.cells[c]);
    cells = cut_apart(cells, widest);
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (!rows_[r].across) table.rows_[r].cells[c] = cells[r];
    }
  }
  return table;
}

std::string Table::text(std::size_t widest) const {
  if (widest != std::string::npos) return cut_to(widest).text();
  const std::vector<std::size_t> wide = widths();
  std::size_t header_lines = 0;
  for (const Column& column : columns_) header_lines = std::max(header_lines, column.header.size());
  std::string text;
  for (std::size_t l = 0; l < header_lines; ++l) {
    Texts cells;
    for (const Column& column : columns_) {
      const std::size_t above = header_lines - column.header.size();
      cells.push_back(l < above ? "" : column.header[l - above]);
    }
    text += line(cells, wide);
  }
  for (const Row& row : rows_) text += row.across ? row.cells.front() + "\n" : line(row.cells, wide);
  return text;
}

std::vector<Table::Heading> Table::headings() const {
  std::vector<Heading> headings;
  for (const Column& column : columns_) headings.push_back({one_line(column.header), column.align});
  return headings;
}

std::vector<Texts> Table::cells() const {
  std::vector<Texts> cells;
  for (const Row& row : rows_) {
    if (!row.across) cells.push_back(row.cells);
  }
  return cells;
}

Texts Table::lines() const {
  Texts lines;
  for (const Row& row : rows_) {
    if (row.across) lines.push_back(row.cells.front());
  }
  return lines;
}

std::string Table::markdown() const {
  Texts names;
  std::string rule = "|";
  for (const Heading& heading : headings()) {
    names.push_back(heading.text);
    rule += heading.align == Align::left ? "---|" : "--:|";
  }
  std::string text = "| " + joined(names, " | ", markdown_escape) + " |\n" + rule + "\n";
  for (const Texts& row : cells()) text += "| " + joined(row, " | ", markdown_escape) + " |\n";
  for (const std::string& line : lines()) text += "\n" + markdown_escape(line) + "\n";
  return text;
}

std::string Table::csv() const {
  Texts names;
  for (const Heading& heading : headings()) names.push_back(heading.text);
  std::string text = joined(names, ",", csv_cell) + "\n";
  for (const Texts& row : cells()) text += joined(row, ",", csv_cell) + "\n";
  return text;
}

std::string Table::latex() const {
  Texts names;
  std::string alignment;
  for (const Heading& heading : headings()) {
    names.push_back(heading.text);
    alignment += heading.align == Align::left ? "l" : "r";
  }
  std::string text = fmt::format("% needs \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{}}}\n\\toprule\n{} \\\\\n\\midrule\n", alignment,
                                 joined(names, " & ", latex_cell));
  for (const Texts& row : cells()) text += joined(row, " & ", latex_cell) + " \\\\\n";
  text += "\\bottomrule\n\\end{tabular}\n";
  for (const std::string& line : lines()) text += "% " + line + "\n";
  return text;
}

}  // namespace seqbench
