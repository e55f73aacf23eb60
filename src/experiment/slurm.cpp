#include "experiment/slurm.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/error.h"

namespace seqbench {
namespace {

constexpr std::size_t kMostTasks = 1000;
constexpr const char* kMark = "# an array of seqbench runs";

std::size_t tasks_of(const SlurmArray& array) { return std::min(array.runs, kMostTasks); }

}  // namespace

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string slurm_script(const SlurmArray& array) {
  fail_if(array.runs == 0, "--slurm: all runs are finished already; nothing is left for a script to do.");
  const std::size_t tasks = tasks_of(array);
  std::string command = shell_quoted(array.program) + " run";
  for (const std::string& spec : array.specs) command += " " + shell_quoted(spec);
  for (const std::string& set : array.sets) command += " --set " + shell_quoted(set);
  return fmt::format(
      "#!/bin/bash\n{}\n#SBATCH --job-name=seqbench\n#SBATCH --array=1-{}\n#SBATCH --cpus-per-task={}\n"
      "#SBATCH --output={}\n"
      "set -euo pipefail\ncd {}\n"
      "exec {} --out {} --threads \"$SLURM_CPUS_PER_TASK\" --shard \"$SLURM_ARRAY_TASK_ID/{}\" --quiet\n",
      kMark, tasks, array.threads, "seqbench-%A_%a.out", shell_quoted(array.folder), command,
      shell_quoted(array.out), tasks);
}

std::size_t write_slurm_script(const std::filesystem::path& file, const SlurmArray& array) {
  const std::string script = slurm_script(array);
  if (std::filesystem::exists(file)) {
    std::ifstream in(file);
    std::string first, second;
    std::getline(in, first);
    std::getline(in, second);
    fail_if(second != kMark, "--slurm {}: the file is there and no script of seqbench; choose another name.",
            file.string());
  }
  std::ofstream out(file);
  out << script;
  out.flush();
  fail_if(!out, "--slurm {}: cannot be written.", file.string());
  return tasks_of(array);
}

}  // namespace seqbench
