#include "train/checkpoint.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/error.h"

namespace seqbench {
namespace {

// The shortest text that reads back as the same number; JSON has no other kinds of number.
std::string number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

std::string line_of(const CurvePoint& p) {
  return fmt::format(
      "{{\"step\": {}, \"lr\": {}, \"train_loss\": {}, \"train_accuracy\": {}, \"gradient_norm\": {}, "
      "\"valid_loss\": {}, \"valid_accuracy\": {}}}\n",
      p.step, number(p.lr), number(p.train_loss), number(p.train_accuracy), number(p.gradient_norm),
      number(p.valid_loss), number(p.valid_accuracy));
}

std::int64_t step_of(const std::string& line) {
  constexpr std::string_view kStart = "{\"step\": ";
  return line.starts_with(kStart) ? std::strtoll(line.c_str() + kStart.size(), nullptr, 10) : -1;
}

// A kill can leave a curve that is ahead of the checkpoint, or a torn last line.
void cut_curve(const std::filesystem::path& file, std::int64_t last_step) {
  std::string kept;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line) && line.ends_with('}');) {
    const std::int64_t step = step_of(line);
    if (step < 0 || step > last_step) break;
    kept += line + "\n";
  }
  in.close();
  std::ofstream(file, std::ios::trunc) << kept;
}

using Metadata = std::map<std::string, std::string>;

const std::string& entry(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  fail_if(found == metadata.end(), "checkpoint.safetensors: its __metadata__ has no \"{}\".", key);
  return found->second;
}

std::int64_t whole(const Metadata& metadata, const std::string& key) {
  return std::strtoll(entry(metadata, key).c_str(), nullptr, 10);
}

double real(const Metadata& metadata, const std::string& key) {
  return std::strtod(entry(metadata, key).c_str(), nullptr);
}

}  // namespace

RunFiles::RunFiles(std::filesystem::path folder, const Parameters& parameters)
    : folder_(std::move(folder)), parameters_(parameters) {}

std::vector<NamedTensor> named_weights(const Parameters& parameters, Buffer& buffer,
                                       const std::string& prefix) {
  std::vector<NamedTensor> named;
  for (const Parameter& parameter : parameters.all()) {
    named.push_back({prefix + parameter.name, parameter.shape, buffer.as<float>() + parameter.offset});
  }
  return named;
}

std::vector<NamedTensor> RunFiles::tensors(TrainState& state) const {
  std::vector<NamedTensor> all = named_weights(parameters_, state.weights, "weights.");
  for (const auto& [buffer, prefix] :
       {std::pair{&state.first_moment, "first_moment."}, std::pair{&state.second_moment, "second_moment."}}) {
    const std::vector<NamedTensor> more = named_weights(parameters_, *buffer, prefix);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

void RunFiles::load(const std::filesystem::path& file, RunState& state) const try {
  const Metadata metadata = load_safetensors(file, tensors(*state.train));
  state.train->step = whole(metadata, "step");
  state.window = {.loss = real(metadata, "window_loss"),
                  .surprise = real(metadata, "window_surprise"),
                  .surprises = whole(metadata, "window_surprises"),
                  .labels = whole(metadata, "window_labels"),
                  .correct = whole(metadata, "window_correct"),
                  .examples = whole(metadata, "window_examples"),
                  .exact = whole(metadata, "window_exact")};
  state.seconds = real(metadata, "seconds");
  state.stopped = whole(metadata, "stopped") != 0;
} catch (const Error& error) {
  // Tables cut long messages: what to do comes first.
  fail("delete its checkpoint to start the run from its beginning, or run again with --force: {}",
       error.what());
}

bool RunFiles::resume(RunState& state) {
  if (folder_.empty()) return false;
  const std::filesystem::path file = folder_ / "checkpoint.safetensors";
  const bool begun = std::filesystem::exists(file);
  if (begun) load(file, state);
  cut_curve(folder_ / "curve.jsonl", state.train->step);
  return begun;
}

void RunFiles::save(const RunState& state) const {
  if (folder_.empty()) return;
  save_safetensors(folder_ / "checkpoint.safetensors", tensors(*state.train),
                   {{"step", std::to_string(state.train->step)},
                    {"window_loss", number(state.window.loss)},
                    {"window_surprise", number(state.window.surprise)},
                    {"window_surprises", std::to_string(state.window.surprises)},
                    {"window_labels", std::to_string(state.window.labels)},
                    {"window_correct", std::to_string(state.window.correct)},
                    {"window_examples", std::to_string(state.window.examples)},
                    {"window_exact", std::to_string(state.window.exact)},
                    {"seconds", number(state.seconds)},
                    {"stopped", state.stopped ? "1" : "0"}});
}

void RunFiles::add_point(const CurvePoint& point) {
  if (folder_.empty()) return;
  std::ofstream out(folder_ / "curve.jsonl", std::ios::app);
  out << line_of(point);
  out.flush();
  fail_if(!out, "{}: could not be written; is the disk full?", (folder_ / "curve.jsonl").string());
}

void RunFiles::keep_model(TrainState& state, const std::map<std::string, std::string>& about) const {
  if (folder_.empty()) return;
  save_safetensors(folder_ / "model.safetensors", named_weights(parameters_, state.weights), about);
}

}  // namespace seqbench
