// Made-up results of a small grid: two mechanisms, two learning rates, two seeds.
#pragma once
#include <memory>

#include "report/record.h"
#include "unit/experiment/support.h"

namespace seqbench {

struct Scene {
  std::shared_ptr<TemporaryFolder> kept = std::make_shared<TemporaryFolder>();
  const TemporaryFolder& folder = *kept;
  Plan plan;
  Results results;

  explicit Scene(const std::string& grid =
                     R"({"model.mixer": ["softmax", "linear"], "train.lr": [0.1, 0.2], "seed": [0, 1]})") {
    Json spec = small_spec();
    spec["grid"] = parse_json(grid, "test");
    spec["select"] = {{"over", {"train.lr"}}, {"by", "valid.accuracy"}};
    plan = make_plan({folder.write("small.json", spec.dump())}, {}, folder.path() / "runs");
    for (std::size_t i = 0; i < plan.runs.size(); ++i) results.push_back(made_up(i));
  }

  static StoredResult made_up(std::size_t i) {
    const double accuracies[] = {0.5, 0.9, 0.8, 0.8, 0.3, 0.3, 0.9, 0.2};
    StoredResult stored;
    Metrics metrics;
    metrics.accuracy = accuracies[i % 8];
    metrics.loss = 1 - metrics.accuracy;
    metrics.examples = 10;
    metrics.labels = 100000;
    stored.result.valid = metrics;
    metrics.accuracy /= 2;
    stored.result.test = metrics;
    stored.result.cost.parameters = 1000;
    stored.result.cost.task_length = 32;
    stored.result.cost.state_bytes = {{32, 64}, {256, 512}};
    return stored;
  }

  Json stored_json(std::size_t run) const { return result_json(plan.runs[run], *results[run]); }

  // Stores all results and returns where.
  std::filesystem::path stored() const {
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      std::filesystem::create_directories(plan.runs[i].folder);
      save_result(plan.runs[i], *results[i]);
    }
    return folder.path() / "runs";
  }
};

}  // namespace seqbench
