#include "train/evaluate.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/random.h"
#include "unit/train/tiny_run.h"

namespace seqbench::test {
namespace {

// Sequences of lengths 4 to 19 whose answers stand anywhere: what evaluation must put together.
class Uneven : public Task {
 public:
  std::int64_t vocab_size() const override { return 40; }
  std::int64_t length() const override { return 19; }
  Chance chance() const override { return {.uniform = 1.0 / 40}; }
  std::int64_t examples(Split split) const override { return split == Split::test ? 100 : 0; }
  Sample sample(Split split, std::int64_t index) const override {
    Random random(7, name_of(split), static_cast<std::uint64_t>(index));
    Sample sample;
    for (std::int64_t t = 0; t < 4 + index % 16; ++t) {
      sample.tokens.push_back(static_cast<std::int32_t>(random.below(40)));
      sample.labels.push_back(t % 3 == 1 ? static_cast<std::int32_t>(random.below(40)) : kIgnore);
      sample.distances.push_back(static_cast<std::int32_t>(t / 2));
      sample.surprise.push_back(0.25F);
    }
    sample.slices = {{"even", index % 2}};
    return sample;
  }
  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>&) const override {
    return {};
  }
};

struct Model {
  explicit Model(const std::string& mechanism)
      : spec(tiny_spec(mechanism)),
        model(spec.model, 40, 19),
        weights(model.parameters().initial(0, DType::f32)) {
    // Weights of a trained model's size: at their start all logits are nearly the same.
    for (std::int64_t i = 0; i < model.parameters().flat_size(); ++i) weights.as<float>()[i] *= 8;
  }
  RunSpec spec;
  LanguageModel model;
  Buffer weights;
};

std::int64_t labels_of(const Metrics& metrics, const std::string& by) {
  std::int64_t sum = 0;
  for (const auto& slice : metrics.slices) sum += slice.by == by ? slice.labels : 0;
  return sum;
}

TEST_CASE("Wilson's interval: known values, and never a width of zero") {
  // Wilson 1927; the figures are those of any statistics package for 8 of 10.
  CHECK(wilson(0.8, 10).low == doctest::Approx(0.4902).epsilon(1e-3));
  CHECK(wilson(0.8, 10).high == doctest::Approx(0.9433).epsilon(1e-3));
  CHECK(wilson(1.0, 1024).low == doctest::Approx(0.99626).epsilon(1e-4));
  CHECK(wilson(1.0, 1024).high == 1.0);
  CHECK(wilson(0.0, 10).low == 0.0);
}

TEST_CASE("means count every labelled position once, and exact every example") {
  const Uneven task;
  const std::vector<Sample> samples = {
      {.tokens = {1, 2, 3, 4}, .labels = {5, 6, kIgnore, 7}, .slices = {{"even", 0}}},
      {.tokens = {1, 2, 3}, .labels = {kIgnore, kIgnore, 7}, .slices = {{"even", 1}}}};
  Tally tally;
  tally.add(samples, {{1, true}, {2, true}, {0, true}, {7, false}});
  const Metrics metrics = tally.metrics(task, Split::test);
  CHECK(metrics.loss == 2.5);
  CHECK(metrics.accuracy == 0.75);
  CHECK(metrics.exact == 0.5);
  CHECK(metrics.examples == 2);
  CHECK(metrics.errors == 1);
  CHECK_FALSE(metrics.bits_per_byte.has_value());
  CHECK_FALSE(metrics.excess.has_value());
  CHECK(labels_of(metrics, "even") == 4);
  CHECK(labels_of(metrics, "length") == 4);
  CHECK(labels_of(metrics, "position") == 4);
  CHECK(labels_of(metrics, "distance") == 0);
  for (const auto& slice : metrics.slices) {
    if (slice.by != "position") continue;
    CHECK(slice.labels == (slice.value == 4 ? 2 : 1));  // tokens read: 1; 2; 4 and 3
    if (slice.value == 4) CHECK(slice.loss == 3.5);
    CHECK(std::isnan(slice.exact));
  }
}

TEST_CASE("a length of a handful of sequences, drawn again and again, is no slice") {
  const Uneven task;
  Tally parts[2];
  for (std::int32_t i = 0; i < 200; ++i) {
    const auto add = [&](std::vector<std::int32_t> tokens, bool correct) {
      std::vector<std::int32_t> labels(tokens.size(), kIgnore);
      labels.back() = 0;
      const Sample sample{.tokens = std::move(tokens), .labels = std::move(labels)};
      parts[i % 2].add({&sample, 1}, {{.loss = 1, .correct = correct}});
    };
    add({i % 4, 1}, false);                 // 4 sequences of length 2
    add({i % 19, 1, 1}, true);              // 19 of length 3
    add({i % 20, 1, 1, 1}, true);           // 20 of length 4, ten in each part
    if (i < 5) add({i, 1, 1, 1, 1}, true);  // five of length 5, each once
  }
  parts[0].add(parts[1]);
  const Metrics metrics = parts[0].metrics(task, Split::test);
  std::vector<std::int64_t> lengths;
  for (const auto& slice : metrics.slices) {
    if (slice.by == "length") lengths.push_back(slice.value);
  }
  CHECK(lengths == std::vector<std::int64_t>{4, 5});
  CHECK(metrics.examples == 605);  // which all count in the whole
  CHECK(metrics.errors == 200);
}

TEST_CASE("how many sequences go through the model at once changes no figure") {
  const Uneven task;
  for (const std::string mechanism :
       {"softmax", "sigmoid", "linear", "retention", "sparse_k", "xlstm", "min_gru"}) {
    CAPTURE(mechanism);
    const Model m(mechanism);
    const Metrics one = Evaluator{m.model, m.weights, 1, 1}.score(task, Split::test, 100);
    for (const std::int64_t rows : {40, 512, 100000}) {
      const Metrics many = Evaluator{m.model, m.weights, 2, rows}.score(task, Split::test, 100);
      CHECK(many.loss == doctest::Approx(one.loss).epsilon(1e-5));
      CHECK(many.accuracy == one.accuracy);
      CHECK(many.exact == one.exact);
      CHECK(*many.excess == doctest::Approx(*one.excess).epsilon(1e-5));
      REQUIRE(many.slices.size() == one.slices.size());
      for (std::size_t i = 0; i < one.slices.size(); ++i) {
        CHECK(many.slices[i].loss == doctest::Approx(one.slices[i].loss).epsilon(1e-5));
        CHECK(many.slices[i].labels == one.slices[i].labels);
      }
    }
    CHECK(*one.excess == doctest::Approx(one.loss - 0.25));
    for (const char* by : {"length", "position", "distance", "even"}) CHECK(labels_of(one, by) == one.labels);
  }
}

TEST_CASE("a part of a split with an end is spread evenly over it") {
  const Uneven task;
  const Model m("min_gru");
  const Metrics quarter = Evaluator{m.model, m.weights}.score(task, Split::test, 25);
  CHECK(quarter.examples == 25);
  for (const auto& slice : quarter.slices) CHECK((slice.by != "even" || slice.value == 0));  // 0, 4, 8, ...
  CHECK(Evaluator{m.model, m.weights}.score_all(task, Split::test, m.spec.eval).examples == 100);
  CHECK(Evaluator{m.model, m.weights}.score_all(task, Split::valid, m.spec.eval).examples == 50);
}

TEST_CASE("a test at a length stands beside the main test's slice of that length, and never for it") {
  RunSpec spec = tiny_spec("min_gru");
  spec.task = &tasks().find("parity", "task.name");
  spec.task_options =
      Options(spec.task->options, {{"length", std::int64_t{12}}, {"min_length", std::int64_t{8}}}, "task");
  spec.eval =
      Options(eval_options(), {{"examples", std::int64_t{100}}, {"lengths", Integers{8, 12, 40}}}, "eval");
  const auto task = make_task(spec);
  const LanguageModel model(spec.model, task->vocab_size(), 40);
  const Buffer weights = model.parameters().initial(0, DType::f32);
  RunResult result;
  Evaluator{model, weights}.test(spec, *task, result);
  REQUIRE(result.settings.size() == 3);
  for (const SettingMetrics& test : result.settings) CHECK(test.metrics.examples == 100);
  std::int64_t own = 0;
  for (const auto& slice : result.test.slices) {
    CHECK((slice.by != "length" || slice.value <= 12));
    own += slice.by == "length" ? slice.examples : 0;
  }
  CHECK(own == result.test.examples);
}

TEST_CASE("a task of one length is its own test among those at lengths, made once") {
  const Model m("min_gru");
  RunResult result;
  Evaluator{m.model, m.weights}.test(m.spec, *make_task(m.spec), result);  // eval.lengths 16 and 32
  REQUIRE(result.settings.size() == 2);
  CHECK(result.settings[0].metrics.loss == result.test.loss);
  CHECK(result.settings[1].metrics.loss != result.test.loss);
  CHECK(labels_of(result.test, "length") == 0);
}

class Text : public Uneven {
 public:
  const Tokenizer* tokenizer() const override { return tokenizer_.get(); }

 private:
  std::unique_ptr<Tokenizer> tokenizer_ = byte_tokenizer();
};

TEST_CASE("a text has no lengths, and its labels are what an interval counts") {
  const Model m("min_gru");
  const Metrics text = Evaluator{m.model, m.weights}.score(Text(), Split::test, 100);
  CHECK(labels_of(text, "length") == 0);
  const Interval expected = wilson(text.accuracy, text.labels);
  CHECK(text.labels > 2 * text.examples);
  CHECK(text.accuracy_interval.high - text.accuracy_interval.low == expected.high - expected.low);
  // Answers of one sequence are no independent trials.
  Metrics answers;
  answers.examples = 10;
  answers.labels = 80;
  CHECK(trials_of(answers) == 10);
  answers.excess = 0.1;
  CHECK(trials_of(answers) == 80);
}

TEST_CASE("an untrained model scores the loss of guessing") {
  const RunSpec spec = tiny_spec("linear");
  const auto task = make_task(spec);
  const LanguageModel model(spec.model, task->vocab_size(), task->length());
  const Buffer weights = model.parameters().initial(0, DType::f32);
  const Metrics metrics = Evaluator{model, weights}.score(*task, Split::test, 64);
  CHECK(metrics.loss == doctest::Approx(std::log(40.0)).epsilon(0.01));
  CHECK(metrics.examples == 64);
  CHECK(metrics.labels == 64 * 3);
}

}  // namespace
}  // namespace seqbench::test
