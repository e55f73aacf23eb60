#include "experiment/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace seqbench {
namespace {

Texts lines_of(const std::string& text) {
  Texts lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

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
    for (const std::string& line : columns_[c].header) widths[c] = std::max(widths[c], line.size());
    for (const Row& row : rows_) {
      if (!row.across) widths[c] = std::max(widths[c], row.cells[c].size());
    }
  }
  return widths;
}

std::string Table::line(const Texts& cells, const std::vector<std::size_t>& widths) const {
  std::string text;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const std::string pad(widths[c] - cells[c].size(), ' ');
    if (c > 0) text += "  ";
    text += columns_[c].align == Align::left ? cells[c] + pad : pad + cells[c];
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

std::string Table::text() const {
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

}  // namespace seqbench
