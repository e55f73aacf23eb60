#include "experiment/slurm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "experiment/estimates.h"

namespace seqbench {
namespace {

constexpr std::size_t kMostTasks = 1000;
constexpr const char* kMark = "# an array of seqbench runs";

constexpr int kNotice = 90;  // seconds before the limit that Slurm tells of it; it may be 60 s early

// Slurm's signals reach the shell alone, which acts on them only while it waits; those of scancel reach the
// program too, to which one more within half a second is the same. The limit has a signal of its own, since
// what is cancelled must not come back.
constexpr const char* kWait = R"(program=$!
requeue=no
trap 'requeue=yes; kill -TERM "$program"' USR1
trap 'kill -TERM "$program"' TERM
while kill -0 "$program" 2>/dev/null; do wait "$program"; done
wait "$program"
status=$?
if [ "$requeue" = yes ] && [ "$status" -eq 130 ]; then
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$status"
)";

// In minutes, as Slurm counts, rounded up.
std::string time_line(double seconds) {
  return seconds > 0 ? fmt::format("#SBATCH --time={:.0f}\n", std::ceil(seconds / 60)) : "";
}

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
  if (!array.run_time_limit.empty()) command += " --run-time-limit " + shell_quoted(array.run_time_limit);
  return fmt::format(
      "#!/bin/bash\n{}\n#SBATCH --job-name=seqbench\n#SBATCH --array={}\n#SBATCH --cpus-per-task={}\n"
      "#SBATCH --output={}\n#SBATCH --open-mode=append\n#SBATCH --requeue\n#SBATCH --signal=B:USR1@{}\n{}"
      "set -uo pipefail\ncd {} || exit 2\n"
      "{} --out {} --threads \"$SLURM_CPUS_PER_TASK\" --shard \"$SLURM_ARRAY_TASK_ID/{}\" --quiet &\n{}",
      kMark, ranges_text(array.tasks.parts), array.threads, "seqbench-%A_%a.out", kNotice,
      time_line(array.time_limit), shell_quoted(array.folder), command, shell_quoted(array.out),
      array.tasks.of, kWait);
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
