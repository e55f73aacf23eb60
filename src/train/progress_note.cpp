#include "train/progress_note.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"

namespace seqbench {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kWidth = 127;  // of the line: a shorter one must not leave a longer one's end behind

}  // namespace

ProgressNote::ProgressNote(std::filesystem::path file) : file_(std::move(file)) {}

ProgressNote::~ProgressNote() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::optional<Reached> ProgressNote::read() const {
  std::ifstream in(file_);
  const Json json = Json::parse(in, nullptr, false);
  const auto count = [&](const char* key) {
    const bool whole = json.is_object() && json.contains(key) && json.at(key).is_number_unsigned();
    return whole ? json.at(key).get<std::int64_t>() : -1;
  };
  const Reached reached = {count("step"), count("resumes"), count("repeated_steps")};
  if (reached.step < 0 || reached.resumes < 0 || reached.repeated_steps < 0) return std::nullopt;
  return reached;
}

void ProgressNote::write(const Reached& reached) {
  std::string line = fmt::format("{{\"step\": {}, \"resumes\": {}, \"repeated_steps\": {}}}", reached.step,
                                 reached.resumes, reached.repeated_steps);
  line.resize(kWidth, ' ');
  line += '\n';
  if (descriptor_ < 0) descriptor_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  const bool done = descriptor_ >= 0 &&
                    ::pwrite(descriptor_, line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
  fail_if(!done, "{}: cannot be written: {}.", file_.string(), std::strerror(errno));
}

}  // namespace seqbench
