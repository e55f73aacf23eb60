#include "experiment/slice_text.h"

#include "unit/experiment/support.h"

#include <doctest/doctest.h>

namespace seqbench {
namespace {

Metrics metrics_with(double accuracy, const std::vector<Metrics::SliceMetrics>& slices) {
  Metrics metrics;
  metrics.accuracy = accuracy;
  metrics.exact = accuracy;
  metrics.examples = 100;
  metrics.labels = 1000;
  metrics.errors = static_cast<std::int64_t>(1000 * (1 - accuracy) + 0.5);
  metrics.chance = {.uniform = 0.125};
  metrics.slices = slices;
  return metrics;
}

Metrics::SliceMetrics slice(const std::string& by, std::int64_t value, double accuracy,
                            std::int64_t labels = 10) {
  return {.by = by,
          .value = value,
          .loss = 2 * accuracy,
          .accuracy = accuracy,
          .exact = 0,
          .examples = 1,
          .labels = labels};
}

TEST_CASE("slices: a table each, means over runs by labels, bands where values are many") {
  RunResult a;
  RunResult b;
  a.test = metrics_with(0.5, {slice("pairs", 4, 1.0), slice("pairs", 8, 0.5), slice("distance", 1, 0.25),
                              slice("distance", 2, 1)});
  b.test = metrics_with(0.5, {slice("pairs", 4, 0.5, 30), slice("pairs", 8, 0.25), slice("distance", 1, 0.25),
                              slice("distance", 2, 1)});
  const std::string text = slices_text({"mechanism"}, {{{"softmax"}, {&a, &b}}, {{"none"}, {}}});
  CHECK(
      text ==
      "test accuracy by pairs\nmechanism      4      8\nsoftmax    0.625  0.375\nnone           -      -\n\n"
      "test accuracy by distance\nmechanism      1    <=2\nsoftmax    0.250  1.000\nnone           -      "
      "-\n");
  for (std::int64_t length = 3; length <= 40; ++length)
    a.test.slices.push_back(slice("length", length, length > 32 ? 0 : 1));
  CHECK(has(slices_text({"mechanism"}, {{{"x"}, {&a}}}),
            "mechanism    <=4    <=8   <=16   <=32   <=64\nx          1.000  1.000  1.000  1.000  0.000\n"));
}

TEST_CASE("slices: a test asked for at a length has its column, whatever the main test has of that length") {
  RunResult a;
  a.test = metrics_with(0.5, {slice("length", 3, 0.75), slice("length", 8, 0.25), slice("length", 12, 0.5)});
  for (const std::int64_t length : {8, 12, 40})
    a.settings.push_back({{{"length", length}, {"min_length", length}},
                          metrics_with(1 - static_cast<double>(length) / 100, {})});
  CHECK(slices_text({"m"}, {{{"x"}, {&a}}, {{"y"}, {}}}) ==
        "test accuracy by length, a test each\n"
        "m      8     12     40\n"
        "x  0.920  0.880  0.600\n"
        "y      -      -      -\n\n"
        "test accuracy by length, in the task's own test\n"
        "m      3      8     12\n"
        "x  0.750  0.250  0.500\n"
        "y      -      -      -\n");
  // Never several in one column, however many.
  a.settings.clear();
  for (std::int64_t length = 1; length <= 14; ++length)
    a.settings.push_back({{{"length", length}}, metrics_with(1, {})});
  CHECK(has(slices_text({"m"}, {{{"x"}, {&a}}}), "m      1      2      3      4      5      6"));
}

TEST_CASE("tests: a length from another is no test at a length, and has a name of its own") {
  const SettingMetrics mixed{{{"length", std::int64_t{40}}, {"min_length", std::int64_t{3}}}, {}};
  const SettingMetrics fixed{{{"length", std::int64_t{40}}, {"min_length", std::int64_t{40}}}, {}};
  CHECK_FALSE(is_length(mixed));
  CHECK(is_length(fixed));
  CHECK(name_of(mixed) == "length=40 min_length=3");
  CHECK(name_of(fixed) == "length=40");
}

TEST_CASE("slices: a text is scored by its loss") {
  RunResult a;
  a.test = metrics_with(0.5, {slice("position", 1, 1.5), slice("position", 2, 0.5)});
  a.test.bits_per_byte = 2;
  CHECK(has(slices_text({"m"}, {{{"x"}, {&a}}}),
            "test loss, nats, by position\nm      1    <=2\nx  3.000  1.000\n"));
}

TEST_CASE("slices: tests at several lengths with depths make a map of both") {
  RunResult a;
  a.test = metrics_with(1, {});
  a.settings = {
      {{{"length", std::int64_t{64}}}, metrics_with(1, {slice("depth", 0, 1), slice("depth", 50, 0.5)})},
      {{{"length", std::int64_t{128}}}, metrics_with(1, {slice("depth", 0, 0.1), slice("depth", 50, 0.9)})}};
  CHECK(has(slices_text({"m"}, {{{"x"}, {&a}}}),
            "x\n            64     128\n    0%  1.00██  0.10  \n   50%  0.50▒▒  0.90██\n"));
}

TEST_CASE("tests: every further setting has a line, with its errors over all runs") {
  RunResult a;
  a.test = metrics_with(1, {});
  CHECK(tests_text({"m"}, {{{"x"}, {&a}}}, false, false) == "");
  a.settings = {{{{"ignore", 0.98}}, metrics_with(0.997, {})},
                {{{"length", std::int64_t{64}}}, metrics_with(0.5, {})}};
  CHECK(tests_text({"m"}, {{{"x"}, {&a, &a}}}, false, false) ==
        "m  test            accuracy     errors  exact   loss  chance\n"
        "x  the task's own     1.000  0 of 2000  1.000  0.000   0.125\n"
        "x  ignore=0.98        0.997  6 of 2000  0.997  0.000   0.125\n");
  RunResult b;  // tested elsewhere: no figure of the one stands under the other's name
  b.test = metrics_with(1, {});
  b.settings = {{{{"ignore", 0.1}}, metrics_with(0.25, {})}};
  CHECK(has(tests_text({"m"}, {{{"x"}, {&a}}, {{"y"}, {&b}}}, false, false),
            "x  ignore=0.98        0.997    3 of 1000  0.997  0.000   0.125\n"
            "y  the task's own     1.000    0 of 1000  1.000  0.000   0.125\n"
            "y  ignore=0.1         0.250  750 of 1000  0.250  0.000   0.125\n"));
  CHECK(has(tests_text({"m"}, {{{"x"}, {&a}}}, true, false), "length=64          0.500  500 of 1000"));
}

}  // namespace
}  // namespace seqbench
