// Aligned columns of plain text.
#pragma once
#include <string>
#include <vector>

#include "base/options.h"

namespace seqbench {

enum class Align { left, right };

class Table {
 public:
  // A header may have several lines, split by '\n'; they are aligned at the bottom.
  void add_column(const std::string& header, Align align);
  // One cell per column.
  void add_row(Texts cells);
  // A line across all columns, below the last row.
  void add_line(std::string text);
  // Two spaces between columns, and none at the end of a line. No headers: none are printed.
  std::string text() const;

 private:
  struct Column {
    Texts header;
    Align align;
  };
  struct Row {
    Texts cells;
    bool across;  // one cell over all columns
  };
  std::vector<std::size_t> widths() const;
  std::string line(const Texts& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace seqbench
