#include "experiment/run_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/files.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

std::string beginning_of(const fs::path& file) {
  constexpr std::size_t kEnough = 1 << 16;  // the spec, which comes first, takes two kB or so
  std::string text(kEnough, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

// As far as either goes.
bool agree(std::string_view text, std::string_view start) {
  const std::size_t both = std::min(text.size(), start.size());
  return text.substr(0, both) == start.substr(0, both);
}

// After its 8 bytes of length: `{"__metadata__":{"data":"..","length":"..","spec":"{..` of a model,
// `..,"curve":..` of a checkpoint.
bool is_safetensors_of_a_run(std::string_view text) {
  constexpr std::string_view kStart = "{\"__metadata__\":{\"";
  constexpr std::size_t kLength = 8;  // of which the upper five bytes are 0 in every header below 16 MB
  if (text.empty()) return true;
  if (text.size() < kLength || text.substr(3, kLength - 3) != std::string_view("\0\0\0\0\0", 5)) return false;
  text.remove_prefix(kLength);
  if (text.size() <= kStart.size()) return agree(text, kStart);
  return agree(text, kStart) && (text.find("\"spec\":\"{") != text.npos ||
                                 text.find("\"curve\":\"") != text.npos);
}

// What result.json and evaluations.json begin with, but for spaces.
bool is_result_of_a_run(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  constexpr std::string_view kStart = "{\"schema\":";
  constexpr std::string_view kDigits = "0123456789";
  if (text.size() <= kStart.size()) return agree(text, kStart);
  return agree(text, kStart) && kDigits.find(text[kStart.size()]) != kDigits.npos &&
         text.find("\"experiments\":") == text.npos;
}

// The name of kRunFiles that a file has, whole or half written; null when it has none.
const char* run_file_of(const std::string& name) {
  const auto found = std::ranges::find_if(
      kRunFiles, [&](const char* file) { return name == file || is_part_of(name, file); });
  return found == std::end(kRunFiles) ? nullptr : *found;
}

void remove_if_of_a_run(const fs::path& file) {
  std::error_code error;
  if (is_of_a_run(file)) fs::remove(file, error);
  fail_if(static_cast<bool>(error), "{}: cannot be removed: {}.", file.string(), error.message());
}

bool is_there(const fs::path& file) {
  std::error_code error;
  return fs::exists(fs::symlink_status(file, error));
}

std::vector<fs::path> leftovers(const fs::path& folder, bool finished) {
  std::vector<fs::path> found;
  for (const char* name : kRunFiles) std::ranges::copy(parts_in(folder, name), std::back_inserter(found));
  if (!finished) return found;
  for (const char* name : kUnfinishedFiles) {
    if (is_there(folder / name)) found.push_back(folder / name);
  }
  return found;
}

}  // namespace

bool is_of_a_run(const fs::path& file) {
  std::error_code error;
  const char* of = run_file_of(file.filename().string());
  if (of == nullptr || !fs::is_regular_file(fs::symlink_status(file, error))) return false;
  const std::string text = beginning_of(file);
  const std::string_view name = of;
  if (name.ends_with(".safetensors")) return is_safetensors_of_a_run(text);
  return name == kProgressNote || name.ends_with(".jsonl") ? agree(text, "{\"step\": ") : is_result_of_a_run(text);
}

bool has_leftovers(const fs::path& folder) { return !leftovers(folder, true).empty(); }

void clear_leftovers(const fs::path& folder, bool finished) {
  for (const fs::path& file : leftovers(folder, finished)) remove_if_of_a_run(file);
}

void forget_run(const fs::path& folder) {
  clear_leftovers(folder, false);
  for (const char* name : kRunFiles) remove_if_of_a_run(folder / name);
}

void refuse_foreign_files(const fs::path& folder) {
  for (const char* name : kRunFiles) {
    const fs::path file = folder / name;
    fail_if(is_there(file) && !is_of_a_run(file),
            "{}: no run has written it, and this one would write over it; move it away.", file.string());
  }
}

}  // namespace seqbench
