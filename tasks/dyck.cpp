// Brackets of several types, nested to a bounded depth: Dyck-(k, m) (Hewitt et al. 2020, arXiv 2010.07515).
// Closing is one token, and the answer is the type of the bracket it closes: the top of a stack.
//
//   tokens   (  [  )  {  )  )  <  )        `)` closes, whatever it closes
//   answers        [     {  (     <
//
// In the public form a model predicts the next bracket, but whether one opens or closes is random: nobody can
// be right every time, and scores need a threshold on probabilities. Here each close has one right answer,
// and guessing is right once in `types`.
#include <vector>

#include "base/error.h"
#include "task/generated.h"

namespace seqbench {
namespace {

class Dyck : public GeneratedTask {
 public:
  Dyck(const Options& options, std::uint64_t seed)
      : GeneratedTask("dyck", options, seed),
        options_(options),
        types_(static_cast<std::int32_t>(options.integer("types"))),
        depth_(options.integer("depth")) {}

  std::int64_t vocab_size() const override { return types_ + 1; }
  std::int64_t length() const override { return options_.integer("length"); }
  Chance chance() const override { return {.uniform = 1.0 / types_}; }
  std::string spelled(std::int32_t token) const override {
    return token == types_ ? ")" : fmt::format("({}", token);
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::vector<std::int32_t> labels(tokens.size(), kIgnore);
    std::vector<std::int32_t> stack;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      if (tokens[t] < types_) {
        stack.push_back(tokens[t]);
      } else {
        labels[t] = stack.back();
        stack.pop_back();
      }
    }
    return labels;
  }

 private:
  // At depth 0 one opens, at the greatest one closes; between them a fair coin decides.
  Sample draw(Random& random) const override {
    const std::int64_t length = draw_length(random, options_);
    Sample sample;
    std::vector<std::int32_t> open;  // where
    for (std::int32_t t = 0; t < length; ++t) {
      const bool opens = open.empty() || (std::ssize(open) < depth_ && random.below(2) == 0);
      sample.labels.push_back(opens ? kIgnore : sample.tokens[open.back()]);
      sample.distances.push_back(opens ? 0 : t - open.back());
      sample.tokens.push_back(
          opens ? static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(types_))) : types_);
      if (opens) {
        open.push_back(t);
      } else {
        open.pop_back();
      }
    }
    return sample;
  }

  Options options_;
  std::int32_t types_;
  std::int64_t depth_;
};

}  // namespace

void register_dyck(TaskRegistry& registry) {
  registry.add({
      .name = "dyck",
      .summary = "nested brackets: which type does this one close?",
      .source = "Hewitt et al. 2020, arXiv 2010.07515, asked at closing brackets",
      .options =
          {
              Option::integer("length", 64, {2, 1 << 20}, "tokens in the longest sequence"),
              min_length_option(),
              Option::integer("types", 8, {2, 1 << 20}, "of brackets"),
              Option::integer("depth", 4, {1, 1 << 19}, "most brackets open at once"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        check_min_length(options);
        const std::int64_t shortest =
            options.integer("min_length") > 0 ? options.integer("min_length") : options.integer("length");
        fail_if(shortest <= options.integer("depth"),
                "task.{}: expected more than task.depth {}, so that a bracket closes, got {}.",
                options.integer("min_length") > 0 ? "min_length" : "length", options.integer("depth"),
                shortest);
        return std::make_unique<Dyck>(options, seed);
      },
  });
}

}  // namespace seqbench
