#include "task/text_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/sha256.h"
#include "task/characters.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

std::string read_bytes(const std::string& path, const std::string& option, const std::string& expected) {
  const auto size = static_cast<std::streamsize>(fs::file_size(path));
  std::ifstream in(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(size), '\0');
  fail_if(!in.read(text.data(), size),
          "task.{}: \"{}\" cannot be read ({} of {} bytes came); expected {} you may read.", option, path,
          in.gcount(), size, expected);
  return text;
}

void check_utf8(std::string_view text, const std::string& path, const std::string& option) {
  const auto invalid = invalid_utf8(text);
  if (!invalid) return;
  fail(
      "task.{}: \"{}\" is not UTF-8: no character begins with its byte {} (\\x{:02x}, line {}); convert it "
      "(iconv -t UTF-8), or set task.vocab to \"byte\", which reads any file.",
      option, path, *invalid, static_cast<std::uint8_t>(text[*invalid]),
      1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*invalid), '\n'));
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

// Of what a folder holds: a link must lead to something, and not back to a folder that the way to it goes through.
void check_link(const fs::path& path, const std::string& option) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return;
  const fs::path real = fs::canonical(path, error);
  fail_if(static_cast<bool>(error), "task.{}: the link \"{}\" cannot be followed: {}; remove it, or mend it.",
          option, path.string(), error.message());
  for (fs::path above = fs::absolute(path).parent_path(); above != above.root_path();
       above = above.parent_path()) {
    fail_if(fs::equivalent(above, real, error),
            "task.{}: the link \"{}\" leads round in a circle, to \"{}\"; remove it, or name the folders to "
            "be read one by one.",
            option, path.string(), real.string());
  }
}

Texts files_in(const std::string& folder, const std::string& option) {
  Texts files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::follow_directory_symlink, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
      continue;
    }
    check_link(entry->path(), option);
    if (entry->is_regular_file(error)) files.push_back(entry->path().string());
  }
  fail_if(static_cast<bool>(error), "task.{}: the folder \"{}\" cannot be read: {}.", option, folder,
          error.message());
  fail_if(files.empty(),
          "task.{}: the folder \"{}\" has no files but hidden ones; expected text files in it.", option,
          folder);
  std::ranges::sort(files);
  return files;
}

fs::file_status status_of(const std::string& path, const std::string& option, const std::string& expected) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status)) return status;
  fail("task.{}: \"{}\": {}; expected the path of {}, absolute or from the current directory ({}).", option,
       path, error.message(), expected, fs::current_path().string());
}

}  // namespace

std::string read_file(const std::string& path, const std::string& option, const std::string& expected) {
  const fs::file_status status = status_of(path, option, expected);
  fail_if(!fs::is_regular_file(status), "task.{}: \"{}\" is {}; expected {}.", option, path,
          fs::is_directory(status) ? "a folder" : "not a regular file", expected);
  std::string bytes = read_bytes(path, option, expected);
  fail_if(bytes.empty(), "task.{}: \"{}\" is empty; expected {}.", option, path, expected);
  return bytes;
}

void TextReader::refuse_again(const Seen& file, const std::string& text) {
  if (text.empty()) return;
  const std::string hash = sha256({&text, 1});
  for (auto [other, end] = seen_.equal_range(hash); other != end; ++other) {
    const Seen& before = other->second;
    std::error_code unreadable;
    const bool same_file = fs::equivalent(file.path, before.path, unreadable);
    fail_if(file.option != before.option,
            "task.{}: \"{}\" {} \"{}\" of task.{}: what is held out would be trained on, or tested on twice; "
            "leave one of them out.",
            file.option, file.path, same_file ? "is the same file as" : "has the same text as", before.path,
            before.option);
    fail_if(
        same_file || (file.listed && before.listed),
        "task.{}: \"{}\" {} \"{}\" before it: it would count twice, and be trained on where the end of "
        "the text is held out; leave one of them out.",
        file.option, file.path, same_file ? "is the same file as" : "has the same text as", before.path);
  }
  seen_.emplace(hash, file);
}

std::string TextReader::read(const Texts& paths, const std::string& option, Content content) {
  const std::string expected = "a text file, or of a folder of some";
  std::string all;
  const auto add = [&](const std::string& path, bool listed, const std::string& text) {
    if (content == Content::utf8) check_utf8(text, path, option);
    refuse_again({path, option, listed}, text);
    all += text;
  };
  for (const std::string& path : paths) {
    if (fs::is_directory(status_of(path, option, expected))) {
      for (const std::string& file : files_in(path, option))
        add(file, false, read_bytes(file, option, "a text file"));
    } else {
      add(path, true, read_file(path, option, "a text file"));
    }
  }
  return all;
}

std::string sha256(std::span<const std::string> texts) {
  Sha256 sum;
  for (const std::string& text : texts) sum.add(text);
  return sum.digest();
}

}  // namespace seqbench
