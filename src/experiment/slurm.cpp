#include "experiment/slurm.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "experiment/estimates.h"

namespace seqbench {
namespace {

constexpr std::size_t kMostTasks = 1000;
constexpr const char* kMark = "# an array of seqbench runs";

// "3,7,9-12"
std::string ranges_text(const std::set<std::size_t>& numbers) {
  Texts ranges;
  for (auto next = numbers.begin(); next != numbers.end();) {
    const std::size_t first = *next;
    std::size_t last = first;
    while (++next != numbers.end() && *next == last + 1) ++last;
    ranges.push_back(first == last ? std::to_string(first) : fmt::format("{}-{}", first, last));
  }
  return fmt::format("{}", fmt::join(ranges, ","));
}

}  // namespace

SlurmTasks slurm_tasks(const Plan& plan, const std::vector<std::size_t>& to_do) {
  SlurmTasks tasks{.of = std::min(plan.runs.size(), kMostTasks)};
  const std::vector<std::size_t> parts = parts_of(plan, tasks.of);
  for (const std::size_t run : to_do) tasks.parts.insert(parts[run]);
  return tasks;
}

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string slurm_script(const SlurmArray& array) {
  fail_if(array.tasks.parts.empty(),
          "--slurm: all runs are finished already; nothing is left for a script to do.");
  std::string command = shell_quoted(array.program) + " run";
  for (const std::string& spec : array.specs) command += " " + shell_quoted(spec);
  for (const std::string& set : array.sets) command += " --set " + shell_quoted(set);
  return fmt::format(
      "#!/bin/bash\n{}\n#SBATCH --job-name=seqbench\n#SBATCH --array={}\n#SBATCH --cpus-per-task={}\n"
      "#SBATCH --output={}\n"
      "set -euo pipefail\ncd {}\n"
      "exec {} --out {} --threads \"$SLURM_CPUS_PER_TASK\" --shard \"$SLURM_ARRAY_TASK_ID/{}\" --quiet\n",
      kMark, ranges_text(array.tasks.parts), array.threads, "seqbench-%A_%a.out", shell_quoted(array.folder),
      command, shell_quoted(array.out), array.tasks.of);
}

void write_slurm_script(const std::filesystem::path& file, const SlurmArray& array) {
  const std::string script = slurm_script(array);
  if (std::filesystem::is_regular_file(file) && !is_standard_output(file)) {
    std::ifstream in(file);
    std::string first, second;
    std::getline(in, first);
    std::getline(in, second);
    fail_if(second != kMark, "--slurm {}: the file is there and no script of seqbench; choose another name.",
            file.string());
  }
  replace_file(file, script);
}

}  // namespace seqbench
