#include "base/machine.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>
#include <thread>

namespace seqbench {
namespace {

namespace fs = std::filesystem;

constexpr double kUnlimited = std::numeric_limits<double>::infinity();
// Version 1 has no word for "no limit": it shows the largest number of whole pages.
constexpr double kLimitOfVersion1 = 1e18;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The number that a file begins with; infinity for one that is not there or says "max".
double number_in(const fs::path& file) {
  std::ifstream in(file);
  double number = 0;
  return in >> number ? number : kUnlimited;
}

// The number after `key` on one of the lines of `text`; 0 when there is none.
double number_after(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    double number = 0;
    if (words >> word && word == key && words >> number) return number;
  }
  return 0;
}

// The path of this process's group below that of a hierarchy, "" when it has none. `controller` empty: that
// of version 2.
std::string path_in(const std::string& groups, const std::string& controller) {
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {  // "4:cpu,cpuacct:/a/b", or "0::/a/b"
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool found =
        controller.empty() ? names == ",," : names.find("," + controller + ",") != std::string::npos;
    if (found) return line.substr(second + 1);
  }
  return "";
}

// The least that `limit` says of a group and those above it. In a container the path may be that of the host,
// which is not there: the top of the hierarchy is then the container's own.
double least(const fs::path& top, const std::string& path,
             const std::function<double(const fs::path&)>& limit) {
  double found = limit(top);
  fs::path group = top;
  for (const fs::path& part : fs::path(path).relative_path()) {
    group /= part;
    found = std::min(found, limit(group));
  }
  return found;
}

double cpus_of_version2(const fs::path& group) {
  std::ifstream in(group / "cpu.max");  // "150000 100000" or "max 100000"
  double quota = 0, period = 0;
  return in >> quota >> period && period > 0 ? quota / period : kUnlimited;
}

double cpus_of_version1(const fs::path& group) {
  const double quota = number_in(group / "cpu.cfs_quota_us");  // -1: none
  const double period = number_in(group / "cpu.cfs_period_us");
  return quota > 0 && std::isfinite(quota) && std::isfinite(period) ? quota / period : kUnlimited;
}

double left_of(double limit, double used, double cache) {
  return std::isfinite(limit) && std::isfinite(used) ? std::max(0.0, limit - used + cache) : kUnlimited;
}

double bytes_of_version2(const fs::path& group) {
  const std::string stat = text_of(group / "memory.stat");
  return left_of(number_in(group / "memory.max"), number_in(group / "memory.current"),
                 number_after(stat, "inactive_file") + number_after(stat, "active_file"));
}

double bytes_of_version1(const fs::path& group) {
  const double limit = number_in(group / "memory.limit_in_bytes");
  if (limit > kLimitOfVersion1) return kUnlimited;
  const std::string stat = text_of(group / "memory.stat");
  return left_of(limit, number_in(group / "memory.usage_in_bytes"),
                 number_after(stat, "total_inactive_file") + number_after(stat, "total_active_file"));
}

ControlGroups own_groups() { return {text_of("/proc/self/cgroup"), "/sys/fs/cgroup"}; }

int affinity() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace

double ControlGroups::cpus() const {
  const std::string unified = path_in(groups, "");
  return std::min({least(root, unified, cpus_of_version2), least(root / "unified", unified, cpus_of_version2),
                   least(root / "cpu", path_in(groups, "cpu"), cpus_of_version1)});
}

double ControlGroups::bytes_left() const {
  const std::string unified = path_in(groups, "");
  return std::min({least(root, unified, bytes_of_version2),
                   least(root / "unified", unified, bytes_of_version2),
                   least(root / "memory", path_in(groups, "memory"), bytes_of_version1)});
}

int core_count() {
  const double quota = std::ceil(own_groups().cpus());
  return static_cast<int>(std::clamp<double>(quota, 1, affinity()));
}

std::int64_t available_memory() {
  double bytes = own_groups().bytes_left();
  const double available = number_after(text_of("/proc/meminfo"), "MemAvailable:");  // KiB
  if (available > 0) bytes = std::min(bytes, available * 1024);
  return static_cast<std::int64_t>(std::min(bytes, kLimitOfVersion1));
}

}  // namespace seqbench
