// Mechanisms that are wrong on purpose: each slip must be caught by the proof that is there for it.
#include <doctest/doctest.h>

#include <functional>

#include "autograd/layout_ops.h"
#include "autograd/ops.h"
#include "autograd/scan_ops.h"
#include "nn/layers.h"
#include "proof/proofs.h"

namespace seqbench::test {
namespace {

enum class Slip { none, decay, future, gradient, memory };

// minGRU in few lines, right or with one slip.
class Toy : public Mechanism {
 public:
  Toy(Slip slip, const MixerContext& context, const ParameterScope& parameters)
      : slip_(slip),
        width_(context.width),
        gate_(parameters, "gate", width_, width_, kInitStd),
        in_(parameters, "in", width_, width_, kInitStd) {}

  Tensor forward(Tape& tape, const Tensor& x, Form form, TapeState* state) const override {
    Tensor gate = gate_(tape, x);
    // The recurrence decays once more than the scan: as if the state were read a token late.
    if (slip_ == Slip::decay && form == Form::recurrent) gate = add(tape, gate, gate);
    Tensor in = in_(tape, x);
    if (slip_ == Slip::future && x.shape[1] > 1) in = with_next_token(tape, in);
    const Tensor h = gated_scan(tape, gate, in, Candidate::linear, ScanOrder::sequential,
                                state == nullptr ? nullptr : &state->parts[0]);
    if (slip_ == Slip::gradient) return add(tape, h, without_gradient(tape, in));
    if (slip_ == Slip::memory) return multiply(tape, h, uninitialised(tape, h));
    return add(tape, h, in);
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch};
    state.add("h", {batch, width_}, type);
    return state;
  }

 private:
  // 0.01 of the next token's numbers is added to every token.
  static Tensor with_next_token(Tape& tape, const Tensor& x) {
    const Tensor next =
        concat_tokens(tape, {slice_tokens(tape, x, 1, x.shape[1] - 1), slice_tokens(tape, x, 0, 1)});
    const Tensor little = tape.make({x.shape[2]});
    visit(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      std::fill_n(little.as<T>(), x.shape[2], static_cast<T>(0.01));
    });
    return add(tape, x, multiply_columns(tape, next, little));
  }
  // The same numbers under a tensor that no operation made: what depends on them has no gradient.
  static Tensor without_gradient(Tape& tape, const Tensor& x) {
    const Tensor y = tape.make(x.shape);
    visit(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      std::copy_n(x.as<T>(), x.shape.size(), y.as<T>());
    });
    return y;
  }
  static Tensor uninitialised(Tape& tape, const Tensor& like) { return tape.make(like.shape); }

  Slip slip_;
  std::int64_t width_;
  Dense gate_, in_;
};

MechanismEntry toy(Slip slip) {
  return {.name = "toy",
          .summary = "",
          .source = "",
          .forms = {Form::parallel, Form::recurrent},
          .state = "",
          .options = {},
          .make = [slip](const Options&, const MixerContext& context, const ParameterScope& parameters) {
            return std::make_unique<Toy>(slip, context, parameters);
          }};
}

// The names of the proofs that fail, in their order.
std::vector<std::string> failing(Slip slip) {
  const MechanismEntry entry = toy(slip);
  std::vector<std::string> names;
  for (const proof::Proof& proof : proof::proofs()) {
    if (!prove(proof, {&entry, {}}).ok) names.push_back(proof.name);
  }
  return names;
}

TEST_CASE("proofs: a mechanism without a slip passes all") { CHECK(failing(Slip::none).empty()); }

TEST_CASE("proofs: a decay that is off in one form is caught") {
  CHECK(failing(Slip::decay) == std::vector<std::string>{"training", "forms", "splits"});
}

TEST_CASE("proofs: a leak of one future token is caught") {
  const auto names = failing(Slip::future);
  CHECK(std::ranges::find(names, "causality") != names.end());
  CHECK(std::ranges::find(names, "splits") != names.end());
  CHECK(std::ranges::find(names, "gradients") == names.end());  // it is a differentiable leak
}

TEST_CASE("proofs: a dropped term of a gradient is caught, and nothing else complains") {
  CHECK(failing(Slip::gradient) == std::vector<std::string>{"gradients", "state-gradients"});
}

TEST_CASE("proofs: memory that is read before it is written is caught") {
  const auto names = failing(Slip::memory);
  CHECK(std::ranges::find(names, "bits") != names.end());
}

TEST_CASE("proofs: an error while proving is a finding, not a crash") {
  MechanismEntry entry = toy(Slip::none);
  entry.make = [](const Options&, const MixerContext&, const ParameterScope&) -> std::unique_ptr<Mechanism> {
    throw std::runtime_error("cannot be made");
  };
  const proof::Finding finding = prove(proof::proofs().front(), {&entry, {}});
  CHECK_FALSE(finding.ok);
  CHECK(finding.what == "cannot be made");
}

}  // namespace
}  // namespace seqbench::test
