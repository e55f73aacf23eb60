#pragma once
#include <string>

#include "base/options.h"

namespace seqbench {

struct CompareArguments {
  std::string base, fresh;
  Texts allow;
  double margin = 0.01;
  double speed_margin = 0.1;
  bool no_speed = false;
  bool markdown = false;
  std::string junit;  // file; empty: none
};

// `seqbench compare`; returns kFailed when anything is worse. Throws Error for what cannot be compared.
int compare_command(const CompareArguments& arguments);

}  // namespace seqbench
