#include "cli/folder_commands.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "cli/app.h"
#include "cli/output.h"
#include "report/folders.h"

namespace seqbench {

int ls_command(const FolderArguments& arguments) {
  return print_text(list_runs_text({arguments.folders.begin(), arguments.folders.end()}));
}

int rm_command(const FolderArguments& arguments) {
  const auto runs = run_folders({arguments.folders.begin(), arguments.folders.end()}, arguments.failed);
  for (const auto& run : runs) {
    std::error_code error;
    if (arguments.yes) std::filesystem::remove_all(run, error);
    if (error) {
      print_error(fmt::format("seqbench: {}: cannot be removed: {}.\n", run.string(), error.message()));
      return kFailed;
    }
    print_text(fmt::format("{} {}\n", arguments.yes ? "removed" : "would remove", run.string()));
  }
  if (!arguments.yes && !runs.empty()) print_error("Nothing is removed without --yes.\n");
  return kDone;
}

int diff_command(const FolderArguments& arguments) {
  return print_text(diff_text(arguments.folders[0], arguments.folders[1]));
}

}  // namespace seqbench
