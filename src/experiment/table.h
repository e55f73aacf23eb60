// Columns of cells, as plain text, Markdown, CSV or LaTeX.
#pragma once
#include <string>
#include <vector>

#include "base/options.h"

namespace seqbench {

// Of a text table with names in it.
constexpr std::size_t kWidestLabel = 40;

// `text` as it stands in Markdown, in a table or out of it.
std::string markdown_escape(const std::string& text);

enum class Align { left, right };

class Table {
 public:
  // A header may have several lines, split by '\n'; they are aligned at the bottom.
  void add_column(const std::string& header, Align align);
  // One cell per column.
  void add_row(Texts cells);
  // A line across all columns, below the last row.
  void add_line(std::string text);
  // Two spaces between columns, and none at the end of a line. No headers: none are printed. Headers, and
  // cells of a left column, of more than `widest` characters are cut to it where that leaves them apart.
  std::string text(std::size_t widest = std::string::npos) const;
  // Headers are of one line here, and lines across all columns follow the table.
  std::string markdown() const;
  std::string csv() const;    // RFC 4180; cells only
  std::string latex() const;  // a tabular in the style of booktabs

  struct Heading {
    std::string text;  // of one line
    Align align;
  };
  std::vector<Heading> headings() const;
  // Cells of the rows, lines across all columns left out.
  std::vector<Texts> cells() const;
  // Those lines.
  Texts lines() const;

 private:
  struct Column {
    Texts header;
    Align align;
  };
  struct Row {
    Texts cells;
    bool across;  // one cell over all columns
  };
  Table cut_to(std::size_t widest) const;
  std::vector<std::size_t> widths() const;
  std::string line(const Texts& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace seqbench
