#include "report/figures.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include "unit/report/scene.h"

namespace seqbench {
namespace {

const Figure& figure_of(const std::vector<Figure>& figures, const std::string& name) {
  const auto found = std::ranges::find(figures, name, &Figure::name);
  REQUIRE(found != figures.end());
  return *found;
}

std::vector<Figure> figures_in(const Scene& scene) {
  const Records records = load_records({scene.stored()});
  return figures_of(summaries_of(records.all, {})[0]);
}

TEST_CASE("a seed that stopped early keeps its last value in the mean of a learning curve") {
  const Scene scene(R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [0, 1]})");
  scene.stored();
  const auto write = [&](std::size_t run, const std::vector<double>& accuracies) {
    std::ofstream out(scene.plan.runs[run].folder / "curve.jsonl");
    for (std::size_t i = 0; i < accuracies.size(); ++i)
      out << "{\"step\": " << 10 * (i + 1) << ", \"valid_accuracy\": " << accuracies[i] << "}\n";
    out << "{\"step\": null}\n";
  };
  write(0, {0.2, 1});
  write(1, {0.2, 0.4, 0.5});
  const auto rows = figure_of(figures_in(scene), "curves").data.cells();
  REQUIRE(rows.size() == 3);
  CHECK(rows[1] == Texts{"softmax", "20", "0.7", "0.4", "1", "2"});
  CHECK(rows[2] == Texts{"softmax", "30", "0.75", "0.5", "1", "2"});
}

TEST_CASE("what varies in numbers is an axis, and mechanisms are its lines") {
  const Scene scene(
      R"({"model.mixer": ["softmax", "linear"], "task.pairs": [2, 4], "train.lr": [0.1], "seed": [0, 1]})");
  const std::vector<Figure> figures = figures_in(scene);
  const auto rows = figure_of(figures, "accuracy-by-task.pairs").data.cells();
  REQUIRE(rows.size() == 4);
  CHECK(rows[0] == Texts{"linear", "2", "0.15", "0.15", "0.15", "2"});
  CHECK(rows[3] == Texts{"softmax", "4", "0.4", "0.4", "0.4", "2"});
  // Memory of tasks that differ has no common front.
  CHECK(figure_of(figures, "memory").svg.find("class=\"front\"") == std::string::npos);
}

TEST_CASE("the memory that a score is set against is that at the length of the task") {
  const Scene scene(R"({"model.mixer": ["softmax", "linear"], "train.lr": [0.1], "seed": [0, 1]})");
  const Figure memory = figure_of(figures_in(scene), "memory");
  CHECK(memory.data.cells()[0][1] == "64");
  CHECK(memory.svg.find("class=\"front\"") != std::string::npos);
}

}  // namespace
}  // namespace seqbench
