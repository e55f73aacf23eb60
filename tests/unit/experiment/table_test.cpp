#include "experiment/table.h"

#include <doctest/doctest.h>

namespace seqbench {
namespace {

TEST_CASE("columns are aligned, headers at the bottom") {
  Table table;
  table.add_column("name", Align::left);
  table.add_column("rate\n@64", Align::right);
  table.add_row({"a", "12345"});
  table.add_line("  a line across all of them");
  table.add_row({"long name", "1"});
  CHECK(table.text() ==
        "            rate\nname         @64\na          12345\n  a line across all of them\nlong name      "
        "1\n");
}

TEST_CASE("a table as Markdown, CSV and LaTeX") {
  Table table;
  table.add_column("name", Align::left);
  table.add_column("para-\nmeters", Align::right);
  table.add_column("tokens\n/s", Align::right);
  table.add_row({"a|b_c, \"d\"", "1", "50%"});
  table.add_line("a note");
  CHECK(markdown_escape("<b>|\n") == "\\<b>\\| ");
  CHECK(table.markdown() ==
        "| name | parameters | tokens/s |\n|---|--:|--:|\n| a\\|b_c, \"d\" | 1 | 50% |\n\na note\n");
  CHECK(table.csv() == "name,parameters,tokens/s\n\"a|b_c, \"\"d\"\"\",1,50%\n");
  CHECK(table.latex() ==
        "% needs \\usepackage{booktabs}\n\\begin{tabular}{lrr}\n\\toprule\nname & parameters & tokens/s \\\\\n\\midrule\n"
        "a|b\\_c, \"d\" & 1 & 50\\% \\\\\n\\bottomrule\n\\end{tabular}\n% a note\n");
}

TEST_CASE("long names are cut in text where that leaves them apart, and nowhere else") {
  Table table;
  table.add_column("name", Align::left);
  table.add_column("figure", Align::right);
  table.add_row({"softmax window=4", "123456789"});
  table.add_row({"linear map=elu", "1"});
  CHECK(table.text(9) == "name          figure\nsoftmax..  123456789\nlinear ..          1\n");
  table.add_row({"softmax window=8", "2"});
  CHECK(table.text(9).starts_with("name                 figure\nsoftmax window=4"));
  CHECK(table.latex().find("softmax window=4") != std::string::npos);
}

TEST_CASE("a row that starts with a bracket is no argument of LaTeX's line break before it") {
  Table table;
  table.add_column("*lengths", Align::left);
  table.add_row({"[64,128]"});
  CHECK(table.latex() ==
        "% needs \\usepackage{booktabs}\n\\begin{tabular}{l}\n\\toprule\n{}*lengths \\\\\n\\midrule\n{}[64,128] \\\\\n\\bottomrule\n"
        "\\end{tabular}\n");
}

}  // namespace
}  // namespace seqbench
