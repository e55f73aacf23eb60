// Passkey retrieval, a needle in a haystack (Mohtashami and Jaggi 2023, "Landmark attention", arXiv
// 2305.16300; Hsieh et al. 2024, "RULER", arXiv 2404.06654), in tokens instead of sentences:
//
//   f f f f MARK k v1 v2 .. vm f f f f f f f ASK k  v1 .. v(m-1)
//                                                v1 v2 .. vm      labels
//
// `needles` of those MARK k v1 .. vm, with keys that differ, lie among the fillers, every arrangement equally
// likely; one of them is asked for. Where the haystack is needles too, their keys are none of the hidden
// ones.
//
// Keys, values, fillers and the two marks are different tokens, and there are as many of each whatever the
// filler is: the same model can be measured on all of them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "task/generated.h"

namespace seqbench {
namespace {

constexpr std::int32_t kMark = 0, kAsk = 1, kFirstKey = 2;

enum class Filler { constant, random, cycle, needles };

Filler filler_of(const std::string& name) {
  if (name == "constant") return Filler::constant;
  if (name == "random") return Filler::random;
  return name == "cycle" ? Filler::cycle : Filler::needles;
}

void check(const Options& options) {
  check_min_length(options);
  const std::int64_t needles = options.integer("needles");
  const std::int64_t digits = options.integer("value_length");
  const std::int64_t needed = needles * (digits + 2) + digits + 1;
  for (const char* name : {"length", "min_length"}) {
    const std::int64_t length = options.integer(name);
    if (length == 0) continue;  // a min_length that is not given
    fail_if(
        length < needed,
        "task.{}: expected at least {} (needles * (value_length + 2) + value_length + 1, with task.needles "
        "{} and task.value_length {}), got {}; raise it, or lower one of those.",
        name, needed, needles, digits, length);
  }
  const bool of_needles = filler_of(options.text("filler")) == Filler::needles;
  fail_if(
      options.integer("keys") < needles + (of_needles ? 1 : 0),
      "task.keys: expected at least {} ({}), got {}; raise it, or lower task.needles.",
      needles + (of_needles ? 1 : 0),
      of_needles ? "one for each of task.needles and one for the haystack" : "one for each of task.needles",
      options.integer("keys"));
}

class Passkey : public GeneratedTask {
 public:
  Passkey(const Options& options, std::uint64_t seed)
      : GeneratedTask("passkey", options, seed),
        options_(options),
        needles_(options.integer("needles")),
        value_length_(options.integer("value_length")),
        keys_(options.integer("keys")),
        values_(options.integer("values")),
        fillers_(options.integer("fillers")),
        filler_(filler_of(options.text("filler"))) {}

  std::int64_t vocab_size() const override { return first_filler() + fillers_; }
  std::int64_t length() const override { return options_.integer("length"); }
  Chance chance() const override {
    const double uniform = 1.0 / static_cast<double>(values_);
    Chance chance{.uniform = uniform, .exact = std::pow(uniform, static_cast<double>(value_length_))};
    // One needle of several is right, or has the same value there.
    const double of_needles = 1.0 / static_cast<double>(needles_);
    if (needles_ > 1 && filler_ != Filler::needles)
      chance.in_context = of_needles + (1 - of_needles) * uniform;
    return chance;
  }
  std::string spelled(std::int32_t token) const override {
    if (token == kMark) return "MARK";
    if (token == kAsk) return "ASK";
    if (token < first_value()) return fmt::format("k{}", token - kFirstKey);
    if (token < first_filler()) return fmt::format("v{}", token - first_value());
    return fmt::format("f{}", token - first_filler());
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::vector<std::int32_t> labels(tokens.size(), kIgnore);
    const auto ask = std::ranges::find(tokens, kAsk);
    if (tokens.end() - ask < 2) return labels;
    const std::int32_t question[] = {kMark, ask[1]};
    // Not of std::ranges: Clang 14 does not compile that one of GCC 12's library.
    const auto found = std::search(tokens.begin(), tokens.end(), std::begin(question), std::end(question));
    if (found == tokens.end()) return labels;
    for (auto t = ask + 1, value = found + std::ssize(question); t != tokens.end() && value < ask; ++t, ++value) {
      labels[t - tokens.begin()] = *value;
    }
    return labels;
  }

 private:
  std::int32_t first_value() const { return static_cast<std::int32_t>(kFirstKey + keys_); }
  std::int32_t first_filler() const { return static_cast<std::int32_t>(first_value() + values_); }

  Sample draw(Random& random) const override {
    const std::vector<std::int32_t> keys = draw_keys(random);
    const std::int64_t needle = value_length_ + 2;
    const std::int64_t room = draw_length(random, options_) - (value_length_ + 1) - needles_ * needle;
    const std::int64_t unit = filler_ == Filler::needles ? needle : 1;
    const std::int64_t units = room / unit;
    const auto asked = static_cast<std::int64_t>(random.below(needles_));
    auto turn = static_cast<std::int64_t>(random.below(fillers_));  // of the cycle
    Sample sample;
    sample.tokens.assign(room % unit, first_filler());  // what no needle fits into
    std::int64_t answer = 0, hidden = 0;
    for (std::int64_t left = units + needles_; left > 0; --left) {
      // Of the places left, each is a needle's with the same probability: every arrangement is as likely.
      if (static_cast<std::int64_t>(random.below(left)) >= needles_ - hidden) {
        add_filler(random, keys, turn++, sample.tokens);
        continue;
      }
      if (hidden == asked) {
        answer = static_cast<std::int64_t>(sample.tokens.size()) + 2;
        const std::int64_t before = units + needles_ - left - hidden;
        sample.slices = {{"depth", 10 * before / (units + 1) * 10}};
      }
      add_needle(random, keys[hidden++], sample.tokens);
    }
    ask(keys[asked], answer, sample);
    return sample;
  }

  // All of them; the first are the needles', in their order in the sequence.
  std::vector<std::int32_t> draw_keys(Random& random) const {
    std::vector<std::int32_t> keys(static_cast<std::size_t>(keys_));
    std::iota(keys.begin(), keys.end(), kFirstKey);
    for (std::int64_t i = 0; i < needles_; ++i) std::swap(keys[i], keys[i + random.below(keys_ - i)]);
    return keys;
  }

  void add_needle(Random& random, std::int32_t key, std::vector<std::int32_t>& tokens) const {
    tokens.insert(tokens.end(), {kMark, key});
    for (std::int64_t i = 0; i < value_length_; ++i) {
      tokens.push_back(first_value() + static_cast<std::int32_t>(random.below(values_)));
    }
  }

  void add_filler(Random& random, const std::vector<std::int32_t>& keys, std::int64_t turn,
                  std::vector<std::int32_t>& tokens) const {
    if (filler_ == Filler::needles) {
      add_needle(random, keys[needles_ + random.below(keys_ - needles_)], tokens);
    } else if (filler_ == Filler::constant) {
      tokens.push_back(first_filler());
    } else {
      const std::int64_t drawn =
          filler_ == Filler::cycle ? turn % fillers_ : static_cast<std::int64_t>(random.below(fillers_));
      tokens.push_back(first_filler() + static_cast<std::int32_t>(drawn));
    }
  }

  // The question, and the values that stand from `answer` on: all of them as labels, all but the last as
  // tokens.
  void ask(std::int32_t key, std::int64_t answer, Sample& sample) const {
    sample.tokens.insert(sample.tokens.end(), {kAsk, key});
    const auto question = static_cast<std::int64_t>(sample.tokens.size()) - 1;
    sample.labels.assign(question, kIgnore);
    sample.distances.assign(question + value_length_, static_cast<std::int32_t>(question - answer));
    for (std::int64_t i = 0; i < value_length_; ++i) {
      if (i > 0) sample.tokens.push_back(sample.tokens[answer + i - 1]);
      sample.labels.push_back(sample.tokens[answer + i]);
    }
  }

  Options options_;
  std::int64_t needles_, value_length_, keys_, values_, fillers_;
  Filler filler_;
};

}  // namespace

void register_passkey(TaskRegistry& registry) {
  constexpr double kMost = 65536;
  registry.add({
      .name = "passkey",
      .summary =
          "a key with its value is hidden in a haystack, to be found when the key is asked for at the end",
      .source = "Mohtashami and Jaggi 2023, arXiv 2305.16300; Hsieh et al. 2024 (RULER), arXiv 2404.06654",
      .options =
          {
              Option::integer("length", 256, {5, 1 << 20}, "tokens in the longest sequence"),
              min_length_option(),
              Option::integer("value_length", 4, {1, kMost}, "tokens of a value, all of them to be answered"),
              Option::integer("values", 10, {2, kMost}, "different value tokens"),
              Option::integer("keys", 16, {1, kMost}, "different keys"),
              Option::integer("needles", 1, {1, kMost}, "hidden keys, of which one is asked for"),
              Option::choice("filler", "cycle", {"constant", "random", "cycle", "needles"},
                             "the haystack: one token; random tokens; all of them in turn, over and over; "
                             "needles with keys that are not asked for"),
              Option::integer("fillers", 16, {1, kMost}, "different filler tokens"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        check(options);
        return std::make_unique<Passkey>(options, seed);
      },
  });
}

}  // namespace seqbench
