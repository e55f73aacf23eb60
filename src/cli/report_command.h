#pragma once
#include <string>

#include "base/options.h"

namespace seqbench {

struct ReportArguments {
  Texts folders;
  std::string format = "text";
  std::string out;    // empty: standard output
  std::string plots;  // empty: none
  Texts rows, columns;
  std::string metric;
  Texts filters;
  Texts over;
  std::string select;
  bool explain = false;
};

// `seqbench report`; returns the exit status. Throws Error before anything is written.
int report_command(const ReportArguments& arguments);

}  // namespace seqbench
