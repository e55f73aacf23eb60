#include "experiment/schema.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "base/error.h"
#include "experiment/budget.h"
#include "experiment/grid.h"
#include "experiment/spec.h"
#include "train/run.h"
#include "unit/experiment/json_schema.h"
#include "unit/experiment/support.h"

namespace seqbench::test {
namespace {

// Shipped specs, of which building the task and the model takes a moment and no file.
constexpr std::array kSpecs = {"ci/recall",     "ci/markov",    "recall/small",    "recall/grid",
                               "passkey/small", "state/parity", "state/flip-flop"};

// What no schema can express, by what the program says: sizes that have to fit each other, and names given elsewhere
// in the spec.
constexpr std::array kBeyondASchema = {"do not fit task.length", "expected at most task.length",
                                       "select.over: unknown axis"};

Json spec_of(const std::string& name) {
  return read_json(std::filesystem::path(SEQBENCH_TESTS) / ".." / "configs" / (name + ".json"));
}

// Each axis at each of its values, the others at their first: what is wrong in any run is wrong in one of these.
std::vector<Json> runs_of(Json spec) {
  spec_name(spec, "spec");
  const Grid grid = take_grid(spec);
  std::vector<Json> runs;
  const auto add = [&](std::size_t moved, std::size_t to) {
    Json run = spec;
    for (std::size_t a = 0; a < grid.axes.size(); ++a)
      set_path(run, grid.axes[a].path, grid.axes[a].values[a == moved ? to : 0], "grid." + grid.axes[a].path);
    runs.push_back(std::move(run));
  };
  add(0, 0);
  for (std::size_t a = 0; a < grid.axes.size(); ++a) {
    for (std::size_t v = 1; v < grid.axes[a].values.size(); ++v) add(a, v);
  }
  return runs;
}

// Why the program refuses a spec; "" when it does not. Whether parts fit is looked at in the first run alone.
std::string refusal(const Json& spec) try {
  const std::vector<Json> runs = runs_of(spec);
  for (const Json& run : runs) resolve(with_budget_solved(run));
  check(resolve(with_budget_solved(runs.front())));
  return "";
} catch (const Error& error) {
  return error.what();
}

// Calls f(mutant) for each way to spoil one place.
template <class F>
void for_each_mutant(const Json& spec, const F& f) {
  const Json values = {nullptr, true, -1, 0, 0.5, 1e12, "", "x", Json::array(), {-3}, {"x"}, Json::object(), {{"x", 1}}};
  const auto flat = [](const Json& json) {
    std::vector<Json::json_pointer> places = {Json::json_pointer()};
    for (std::size_t i = 0; i < places.size(); ++i) {
      const Json& at = json.at(places[i]);
      if (!at.is_structured()) continue;
      for (const auto& [key, value] : at.items()) {
        Json::json_pointer place = places[i];
        place.push_back(key);
        places.push_back(place);
      }
    }
    return places;
  };
  for (const Json::json_pointer& place : flat(spec)) {
    for (const Json& value : values) {
      Json mutant = spec;
      mutant[place] = value;
      f(mutant);
    }
    Json larger = spec;
    if (larger[place].is_object()) larger[place]["extra"] = 1;
    if (larger[place].is_array()) larger[place].push_back("extra");
    if (larger[place].is_number()) larger[place] = larger[place].get<double>() * 1000;
    f(larger);
    if (place.empty()) continue;
    Json less = spec;
    Json& above = less[place.parent_pointer()];
    if (above.is_object()) {
      above.erase(place.back());
    } else {
      above.erase(std::stoul(place.back()));
    }
    f(less);
  }
}

TEST_CASE("schema: shipped specs are specs") {
  const JsonSchema schema(parse_json(schema_text(), "schema"));
  for (const char* name : kSpecs) {
    CAPTURE(name);
    CHECK(schema.accepts(spec_of(name)));
    CHECK(refusal(spec_of(name)) == "");
  }
}

TEST_CASE("schema: of specs with one place spoiled it rejects what the program rejects, and no more") {
  const JsonSchema schema(parse_json(schema_text(), "schema"));
  int mutants = 0, refused = 0;
  std::array<int, kBeyondASchema.size()> beyond = {};
  for (const char* name : kSpecs) {
    CAPTURE(name);
    for_each_mutant(spec_of(name), [&](const Json& mutant) {
      ++mutants;
      const bool accepted = schema.accepts(mutant);
      const std::string why = refusal(mutant);
      refused += why.empty() ? 0 : 1;
      if (accepted == why.empty()) return;
      const auto part = std::ranges::find_if(kBeyondASchema, [&](const char* p) { return has(why, p); });
      const bool known = part != kBeyondASchema.end();
      if (known) ++beyond[static_cast<std::size_t>(part - kBeyondASchema.begin())];
      INFO(mutant.dump());
      INFO("the program says: " << why);
      CHECK((accepted && known));
    });
  }
  CHECK(refused > mutants / 2);
  CHECK(std::ranges::count(beyond, 0) == 0);  // what is listed happens
  const int others = std::accumulate(beyond.begin(), beyond.end(), 0);
  MESSAGE(mutants << " mutants, " << refused << " refused, " << others << " by what no schema can express");
}

}  // namespace
}  // namespace seqbench::test
