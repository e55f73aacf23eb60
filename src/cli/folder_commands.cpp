#include "cli/folder_commands.h"

#include "cli/app.h"
#include "cli/output.h"
#include "report/folders.h"

namespace seqbench {

int ls_command(const FolderArguments& arguments) {
  return print_text(list_runs_text({arguments.folders.begin(), arguments.folders.end()}));
}

int rm_command(const FolderArguments& arguments) {
  const Removal removal = remove_runs({.folders = {arguments.folders.begin(), arguments.folders.end()},
                                       .failed = arguments.failed,
                                       .really = arguments.yes});
  for (const std::string& line : removal.removed) print_text(line + "\n");
  for (const std::string& line : removal.left) print_error("seqbench: " + line + "\n");
  if (!arguments.yes && !removal.removed.empty()) print_error("Nothing is removed without --yes.\n");
  return removal.left.empty() ? kDone : kFailed;
}

int diff_command(const FolderArguments& arguments) {
  return print_text(diff_text(arguments.folders[0], arguments.folders[1]));
}

}  // namespace seqbench
