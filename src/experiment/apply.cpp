#include "experiment/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "experiment/spec.h"
#include "kernels/matmul.h"
#include "mechanism/pieces.h"

namespace seqbench {
namespace {

constexpr double kMostTokens = 1 << 24;  // beyond, an f32 does not hold every whole number

Texts names_of(const HostTensors& tensors) {
  Texts names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

void refuse_unknown(const HostTensors& tensors, const std::string& where, const Texts& known) {
  for (const std::string& name : names_of(tensors)) {
    if (std::ranges::find(known, name) == known.end()) fail("{}", unknown_name("tensor", name, where, known));
  }
}

const HostTensor& tensor_of(const HostTensors& tensors, const std::string& where, const std::string& name,
                            const Shape& shape) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) fail("{}: missing \"{}\" of shape {}.", where, name, to_text(shape));
  fail_if(found->second.shape != shape, "{}: \"{}\" should be of shape {}, and is of shape {}.", where, name,
          to_text(shape), to_text(found->second.shape));
  return found->second;
}

Shape input_shape(const HostTensors& input) {
  const auto found = input.find("x");
  fail_if(found == input.end(), "input: missing \"x\" of shape [batch, length, width].");
  const Shape& shape = found->second.shape;
  fail_if(shape.rank() != 3 || shape.size() == 0,
          "input: \"x\" should be of shape [batch, length, width], and is of shape {}.", to_text(shape));
  return shape;
}

Form form_of(const MechanismEntry& entry, const std::string& name) {
  if (name.empty()) return entry.forms.front();
  Texts known;
  for (const Form form : entry.forms) {
    if (name == name_of(form)) return form;
    known.emplace_back(name_of(form));
  }
  fail("{}", unknown_name("form", name, entry.name, known));
}

// A part whose empty shape begins with 0 grows by the token.
bool grows(const State::Part& part) { return part.shape[0] == 0; }

Shape shape_given(const State::Part& part, const HostTensors& input) {
  const auto found = input.find("state." + part.name);
  if (!grows(part) || found == input.end() || found->second.shape.rank() != part.shape.rank()) {
    return part.shape;
  }
  return part.shape.with_first(found->second.shape[0]);
}

// Parts of one empty shape hold the same tokens: kernels read them side by side.
void refuse_ragged(const State& empty, const State& given) {
  for (std::size_t i = 0; i < empty.parts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const State::Part &a = given.parts[i], &b = given.parts[j];
      fail_if(empty.parts[i].shape == empty.parts[j].shape && a.shape != b.shape,
              "input: \"state.{}\" and \"state.{}\" should hold as many tokens, and are of shapes {} and {}.",
              a.name, b.name, to_text(a.shape), to_text(b.shape));
    }
  }
}

const char* const kTokens = "state.tokens";

// As "state.tokens" says or, without it, `tokens`; below 0: neither does.
std::int64_t tokens_read(const HostTensors& input, std::int64_t tokens) {
  if (!input.contains(kTokens)) return tokens;
  const auto given = static_cast<double>(tensor_of(input, "input", kTokens, {1}).values[0]);
  fail_if(!(given >= 0 && given <= kMostTokens && given == std::floor(given)),
          "input: \"{}\" should hold a number of tokens from 0 to {:.0f}, and holds {}.", kTokens,
          kMostTokens, given);
  const auto whole = static_cast<std::int64_t>(given);
  fail_if(tokens >= 0 && tokens != whole,
          "input: \"{}\" says {} tokens were read, and metadata \"tokens\" says {}.", kTokens, whole, tokens);
  return whole;
}

// Fills `state` from "state.PART"; false when there are none.
bool read_state(const HostTensors& input, std::int64_t given_tokens, State& state) {
  const std::int64_t tokens = tokens_read(input, given_tokens);
  const bool any =
      std::ranges::any_of(input, [](const auto& named) { return named.first.starts_with("state."); });
  state.tokens = std::max<std::int64_t>(tokens, 0);
  if (!any) return false;
  fail_if(
      state.positional && tokens < 0,
      "input: this state needs its position, and has none. Add the tensor \"{}\" of shape [1], as --output "
      "writes it: how many tokens were read before x.",
      kTokens);
  const State empty = state;
  for (State::Part& part : state.parts) {
    const HostTensor& given = tensor_of(input, "input", "state." + part.name, shape_given(part, input));
    const bool cache = grows(part);
    if (cache && tokens < 0) state.tokens = std::max(state.tokens, given.shape[0]);
    part.shape = given.shape;
    part.values.resize(given.shape.size());
    std::ranges::copy(given.values, part.values.as<float>());
    fail_if(cache && given.shape[0] > state.tokens,
            "input: \"state.{}\" holds {} tokens, and only {} were read.", part.name, given.shape[0],
            state.tokens);
  }
  refuse_ragged(empty, state);
  return true;
}

HostTensor host(const Shape& shape, const float* data) {
  HostTensor tensor{shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
  if (data != nullptr) std::copy_n(data, shape.size(), tensor.values.begin());
  return tensor;
}

class Application {
 public:
  Application(const ApplySetting& setting, const HostTensors& weights, const HostTensors& input)
      : setting_(setting),
        input_(input),
        shape_(input_shape(input)),
        entry_(mechanisms().find(setting.mixer.name, setting.mixer.path)),
        form_(form_of(entry_, setting.form)),
        mechanism_(entry_.make(setting.mixer.options,
                               {.width = shape_[2],
                                .layers = setting.layers,
                                .layer = setting.layer,
                                .length = setting.length == 0 ? shape_[1] : setting.length,
                                .path = setting.mixer.path},
                               ParameterScope(parameters_, ""))),
        weights_(parameters_.flat_size(), DType::f32),
        state_(mechanism_->empty_state(shape_[0], DType::f32)) {
    read_weights(weights);
    refuse_unknown(input, "input", known_inputs());
    started_ = read_state(input, setting.tokens, state_);
  }

  Applied run(bool with_gradients) {
    if (with_gradients) tensor_of(input_, "input", "dy", shape_);
    kernels::use_one_thread_per_kernel();
    Gradients gradients(parameters_, DType::f32);
    Tape tape(parameters_, weights_, with_gradients ? &gradients : nullptr, arena_);
    const Tensor x = tape.make(shape_);
    std::ranges::copy(tensor_of(input_, "input", "x", shape_).values, x.as<float>());
    TapeState state = recorded(tape, state_);
    const std::vector<StateTensor> start = state.parts;
    const Tensor y =
        forward_in_pieces(tape, *mechanism_, x, form_, pieces_of(entry_, form_, shape_[1]), state);

    Applied applied;
    applied.form = name_of(form_);
    applied.tokens = state.tokens;
    applied.outputs["y"] = host(y.shape, y.as<float>());
    applied.outputs[kTokens] = {{1}, {static_cast<float>(state.tokens)}};
    for (std::size_t i = 0; i < state.parts.size(); ++i) {
      const Tensor& value = state.parts[i].value;
      applied.outputs["state." + state_.parts[i].name] = host(value.shape, value.as<float>());
    }
    if (!with_gradients) return applied;
    ask(tape, y, "dy");
    for (std::size_t i = 0; i < state.parts.size(); ++i) {
      const std::string name = "d_state." + state_.parts[i].name;
      if (input_.contains(name)) ask(tape, state.parts[i].value, name);
    }
    tape.backward();
    gradients.clear_unwritten();
    applied.gradients["x"] = host(shape_, tape.gradient<float>(x));
    for (const Parameter& parameter : parameters_.all()) {
      applied.gradients[parameter.name] =
          host(parameter.shape, gradients.values().as<float>() + parameter.offset);
    }
    for (std::size_t i = 0; started_ && i < start.size(); ++i) {
      const Tensor& value = start[i].value;
      applied.gradients["state." + state_.parts[i].name] = host(value.shape, tape.gradient<float>(value));
    }
    return applied;
  }

 private:
  void read_weights(const HostTensors& weights) try {
    Texts known;
    for (const Parameter& parameter : parameters_.all()) known.push_back(parameter.name);
    refuse_unknown(weights, "weights", known);
    for (const Parameter& parameter : parameters_.all()) {
      std::ranges::copy(tensor_of(weights, "weights", parameter.name, parameter.shape).values,
                        weights_.as<float>() + parameter.offset);
    }
  } catch (const Error& error) {
    const std::string name = mixer_argument(setting_.mixer.name, given_settings(setting_.mixer));
    fail("{} \"seqbench describe {}\" lists the weights.", error.what(), name);
  }
  Texts known_inputs() const {
    Texts known = {"x", "dy", kTokens};
    for (const State::Part& part : state_.parts) {
      known.push_back("state." + part.name);
      known.push_back("d_state." + part.name);
    }
    return known;
  }
  // Where backward begins.
  void ask(Tape& tape, const Tensor& value, const std::string& name) {
    const HostTensor& d = tensor_of(input_, "input", name, value.shape);
    std::ranges::copy(d.values, tape.sink<float>(value).data);
  }

  const ApplySetting& setting_;
  const HostTensors& input_;
  Shape shape_;
  const MechanismEntry& entry_;
  Form form_;
  Parameters parameters_;
  std::unique_ptr<Mechanism> mechanism_;
  Buffer weights_;
  State state_;
  bool started_ = false;
  Arena arena_;
};

void refuse_overwriting(const ApplyFiles& files) {
  for (const auto& written : {files.output, files.gradients}) {
    for (const auto& read : {files.weights, files.input}) {
      std::error_code ignored;
      fail_if(std::filesystem::equivalent(written, read, ignored),
              "{}: would be overwritten; choose another name.", written.string());
    }
  }
  const auto place = [](const std::filesystem::path& file) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(file));
  };
  fail_if(!files.gradients.empty() && place(files.output) == place(files.gradients),
          "{}: is both --output and --grad.", files.output.string());
}

// tokens < 0 when the file does not say.
std::int64_t tokens_in(const TensorFile& input, const std::string& name) {
  const auto found = input.metadata.find("tokens");
  if (found == input.metadata.end()) return -1;
  const std::string& text = found->second;
  std::int64_t tokens = -1;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), tokens).ptr;
  fail_if(end != text.data() + text.size() || tokens < 0,
          "{}: metadata \"tokens\" should be a number of tokens, and is \"{}\".", name, text);
  return tokens;
}

}  // namespace

Applied apply(const ApplySetting& setting, const HostTensors& weights, const HostTensors& input,
              bool with_gradients) {
  return Application(setting, weights, input).run(with_gradients);
}

std::string apply_files(ApplySetting setting, const ApplyFiles& files) {
  refuse_overwriting(files);
  const TensorFile weights = read_safetensors(files.weights);
  const TensorFile input = read_safetensors(files.input);
  setting.tokens = tokens_in(input, files.input.string());
  const Applied applied = apply(setting, weights.tensors, input.tensors, !files.gradients.empty());
  save_safetensors(files.output, {applied.outputs, {{"tokens", std::to_string(applied.tokens)}}});
  if (!files.gradients.empty()) save_safetensors(files.gradients, {applied.gradients, {}});
  const HostTensor& y = applied.outputs.at("y");
  double squares = 0;
  for (const float v : y.values) squares += static_cast<double>(v) * static_cast<double>(v);
  return fmt::format("{} ({}): y {} of norm {:.6g} in {}{}\n", setting.mixer.name, applied.form,
                     to_text(y.shape), std::sqrt(squares), files.output.string(),
                     files.gradients.empty() ? "" : ", gradients in " + files.gradients.string());
}

}  // namespace seqbench
