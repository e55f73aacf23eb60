#include "train/checkpoint.h"

#include <cstring>

#include "base/error.h"
#include "base/sha256.h"
#include "fuzz/parts.h"
#include "fuzz/targets.h"
#include "report/record.h"
#include "train/checksum.h"

namespace seqbench::fuzz {
namespace {

void add_metadata(std::string& header, const std::string& key, const std::string& value) {
  const std::string start = "\"__metadata__\":{";
  const auto at = header.find(start);
  if (at == header.npos || header.find("\"" + key + "\"") != header.npos) return;
  header.insert(at + start.size(), fmt::format("\"{}\":\"{}\",", key, value));
}

// The file with a checksum that is right: none would ever be hit upon.
std::string with_right_checksum(std::string_view input) {
  std::uint64_t length = 0;
  if (input.size() < sizeof length) return std::string(input);
  std::memcpy(&length, input.data(), sizeof length);
  const std::string_view rest = input.substr(sizeof length);
  if (length > rest.size()) return std::string(input);
  const std::string_view numbers = rest.substr(length);
  std::string header(rest.substr(0, length));
  add_metadata(header, "curve", "");
  add_metadata(header, kChecksum, no_digest());
  const std::size_t at = digest_in(header);
  if (at == header.npos) return std::string(input);
  header.replace(at, no_digest().size(), no_digest());
  length = header.size();
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  file.append(header).append(numbers);
  Sha256 sum;
  sum.add(file);
  return file.replace(sizeof length + at, no_digest().size(), sum.digest());
}

}  // namespace

bool resumes(std::string_view input) {
  static const ScratchFolder folder;
  constexpr std::int64_t kSteps = 1000;
  Parameters parameters;
  parameters.add("table", {2, 2}, {});
  parameters.add("gain", {3}, {});
  TrainState state;
  RunState run;
  for (Buffer* buffer : {&state.weights, &state.first_moment, &state.second_moment, &run.best.weights})
    *buffer = Buffer(parameters.flat_size(), DType::f32);
  run.train = &state;
  for (const char* name : {kCheckpointBefore, kProgressNote}) std::filesystem::remove(folder.path() / name);
  folder.write("curve.jsonl", input);
  load_curve({.experiment = {}, .id = {}, .folder = folder.path(), .result = {}});
  folder.write(kProgressNote, input);
  folder.write(kCheckpoint, with_right_checksum(input));
  try {
    const bool begun = RunFiles(folder.path(), parameters).resume(run, kSteps).has_value();
    expect(state.step >= 0 && state.step <= kSteps, "a step within the run");
    return begun;
  } catch (const Error&) {
    return false;
  }
}

void checkpoint(std::string_view input) { resumes(input); }

}  // namespace seqbench::fuzz
