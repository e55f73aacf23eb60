// Every registered mechanism, at its defaults and at every variant it names, against every proof of `check`:
// no list to keep.
#include <doctest/doctest.h>

#include "proof/check.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

// `names` empty: all.
void expect_proofs(const std::vector<std::string>& names) {
  std::vector<proof::Case> cases;
  for (const MechanismEntry& entry : mechanisms().all()) {
    const auto more = proof::cases_of(entry);
    cases.insert(cases.end(), more.begin(), more.end());
  }
  std::vector<const proof::Proof*> chosen;
  for (const proof::Proof& proof : proof::proofs()) {
    if (names.empty() || std::ranges::find(names, proof.name) != names.end()) chosen.push_back(&proof);
  }
  REQUIRE(cases.size() > mechanisms().all().size());
  REQUIRE(chosen.size() >= names.size());
  for (const proof::Checked& checked : proof::check(cases, chosen, 2, [](const proof::Checked&) {})) {
    std::string settings;
    for (const auto& [name, value] : checked.of.settings) settings += " " + name + "=" + to_text(value);
    CAPTURE(checked.of.entry->name);
    CAPTURE(settings);
    CAPTURE(checked.proof->name);
    CAPTURE(checked.finding.what);
    CAPTURE(checked.finding.error);
    CHECK(checked.finding.ok);
  }
}

TEST_CASE("mechanisms: every proof holds for every mechanism and variant") { expect_proofs({}); }

// The other proofs are of f64, which has one instruction set, or would repeat these.
TEST_CASE("mechanisms: forms agree, stay finite and keep a NaN on every instruction set") {
  for_each_target([] { expect_proofs({"forms", "extremes", "nan"}); });
}

TEST_CASE("mechanisms: the decode state holds what the entry's formula says") {
  using proof::kWidth;
  const auto numbers = [](const std::string& name, std::int64_t tokens) {
    proof::Subject subject({&mechanisms().find(name, "test"), {}}, DType::f32);
    return subject.state_bytes(tokens) / 4;
  };
  for (const std::int64_t tokens : {1, 50}) {
    for (const char* name : {"softmax", "sigmoid", "top_k"})
      CHECK(numbers(name, tokens) == 2 * tokens * kWidth);
    CHECK(numbers("linear", tokens) == kWidth * (kWidth / 4 + 1));
    CHECK(numbers("retention", tokens) == 2 * kWidth * kWidth / 4 + kWidth);
    for (const char* name : {"min_gru", "min_lstm", "gru"}) CHECK(numbers(name, tokens) == kWidth);
    CHECK(numbers("lstm", tokens) == 2 * kWidth);
    CHECK(numbers("mlstm", tokens) == 2 * kWidth * (2 * kWidth / 4 + 1) + 4 + 3 * 2 * kWidth);
    CHECK(numbers("slstm", tokens) == (3 + 4) * kWidth);
  }
  CHECK(numbers("sparse_k", 50) >= 2 * (8 + 8) * kWidth);
}

}  // namespace
}  // namespace seqbench::test
