#include "cli/check_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/app.h"
#include "cli/output.h"
#include "experiment/check_text.h"
#include "experiment/spec.h"
#include "kernels/isa.h"
#include "proof/check.h"

namespace seqbench {
namespace {

using proof::Case;

// A name stands for the defaults and every variant; an object for itself alone.
std::vector<Case> cases_of(const Texts& mixers) {
  std::vector<Case> cases;
  for (const std::string& text : mixers) {
    const MixerSpec mixer = parse_mixer(text, "check");
    const MechanismEntry& entry = mechanisms().find(mixer.name, "check");
    if (!text.starts_with("{")) {
      const std::vector<Case> all = proof::cases_of(entry);
      cases.insert(cases.end(), all.begin(), all.end());
    } else {
      cases.push_back({&entry, given_settings(mixer)});
    }
  }
  return cases;
}

std::vector<const proof::Proof*> chosen(const Texts& names) {
  std::vector<const proof::Proof*> all;
  for (const proof::Proof& proof : proof::proofs()) {
    if (names.empty() || std::ranges::find(names, proof.name) != names.end()) all.push_back(&proof);
  }
  return all;
}

}  // namespace

Texts proof_names() {
  Texts names;
  for (const proof::Proof& proof : proof::proofs()) names.push_back(proof.name);
  return names;
}

Texts isa_names() { return kernels::isa_names(); }

int check_command(const CheckArguments& arguments) {
  kernels::cap_isa(arguments.isa);
  Texts mixers = arguments.mixers;
  if (mixers.empty()) {
    for (const MechanismEntry& entry : mechanisms().all()) mixers.push_back(entry.name);
  }
  const auto report = [&](const proof::Checked& checked) {
    if (!arguments.json) print_text(check_line(checked, arguments.isa));
  };
  const std::vector<proof::Checked> all =
      proof::check(cases_of(mixers), chosen(arguments.proofs), arguments.threads, report);
  print_text(arguments.json ? check_json(all, arguments.isa) : check_summary(all));
  return std::ranges::all_of(all, [](const proof::Checked& checked) { return checked.finding.ok; }) ? kDone
                                                                                                    : kFailed;
}

}  // namespace seqbench
