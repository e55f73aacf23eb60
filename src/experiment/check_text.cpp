#include "experiment/check_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "experiment/environment.h"
#include "experiment/spec.h"

namespace seqbench {
namespace {

std::string label_of(const proof::Case& of) {
  std::string label = of.entry->name;
  for (const auto& [name, value] : of.settings) label += fmt::format(" {}={}", name, to_text(value));
  return label;
}

std::string repeat_of(const proof::Checked& checked, const std::string& isa) {
  return fmt::format("seqbench check {} --proof {}{}",
                     mixer_argument(checked.of.entry->name, checked.of.settings), checked.proof->name,
                     isa == "native" ? "" : " --isa " + isa);
}

std::string measured(const proof::Finding& finding) {
  if (finding.error == 0 && finding.bound == 0) return finding.what;
  return fmt::format("{:.1e} {} {:.1e}  {}", finding.error, finding.ok ? "<=" : ">", finding.bound,
                     finding.what);
}

std::set<std::string> mechanisms_of(const std::vector<proof::Checked>& all) {
  std::set<std::string> names;
  for (const proof::Checked& checked : all) names.insert(checked.of.entry->name);
  return names;
}

}  // namespace

std::string check_line(const proof::Checked& checked, const std::string& isa) {
  const std::string line = fmt::format("{:<6} {:<15} {:<40} {}\n", checked.finding.ok ? "ok" : "FAILED",
                                       checked.proof->name, label_of(checked.of), measured(checked.finding));
  if (checked.finding.ok) return line;
  return line +
         fmt::format("       claim:  {}\n       repeat: {}\n", checked.proof->claim, repeat_of(checked, isa));
}

std::string check_summary(const std::vector<proof::Checked>& all) {
  const auto failed = std::ranges::count_if(all, [](const auto& checked) { return !checked.finding.ok; });
  const std::size_t count = mechanisms_of(all).size();
  const std::string of = fmt::format("{} mechanism{} ({})", count, count == 1 ? "" : "s", best_kernels());
  return failed == 0 ? fmt::format("{} proofs of {} hold\n", all.size(), of)
                     : fmt::format("{} of {} proofs of {} FAILED\n", failed, all.size(), of);
}

std::string check_json(const std::vector<proof::Checked>& all, const std::string& isa) {
  const auto number = [](double x) { return std::isfinite(x) ? Json(x) : Json(nullptr); };
  Json checks = Json::array();
  for (const proof::Checked& checked : all) {
    const MixerSpec mixer{checked.of.entry->name,
                          Options(checked.of.entry->options, checked.of.settings, checked.of.entry->name),
                          checked.of.entry->name};
    checks.push_back({{"mixer", mixer_json(mixer)},
                      {"proof", checked.proof->name},
                      {"claim", checked.proof->claim},
                      {"ok", checked.finding.ok},
                      {"error", number(checked.finding.error)},
                      {"bound", number(checked.finding.bound)},
                      {"what", checked.finding.what},
                      {"repeat", repeat_of(checked, isa)}});
  }
  return Json{{"schema", kSchema}, {"kernels", best_kernels()}, {"checks", checks}}.dump(2) + "\n";
}

}  // namespace seqbench
