#pragma once
#include <string>

#include "base/options.h"

namespace seqbench {

struct FolderArguments {
  Texts folders;
  bool failed = false;
  bool yes = false;
};

// `seqbench ls`, `rm` and `diff`; return the exit status. Throw Error before anything is removed.
int ls_command(const FolderArguments& arguments);
int rm_command(const FolderArguments& arguments);
int diff_command(const FolderArguments& arguments);

}  // namespace seqbench
