// Files that are written whole or not at all. Every Error names the file and what the system says of it.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace seqbench {

// Writes one file. A regular file, or one that is not there yet, is written beside its place, under a name of
// this process's own, and takes its place once all of it is on the disk; until then the old one stays, and
// nothing is left of a write that fails. A symbolic link is followed to what it points to. A pipe, a
// character device or one of the process's own descriptors (/dev/stdout, /dev/fd/3) is written through; that
// its reader has gone away is no error. A folder or anything else is refused.
class FileWriter {
 public:
  // Waits for the reader of a named pipe.
  explicit FileWriter(const std::filesystem::path& file);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(std::string_view bytes);
  // Must end the writing. What was in the file's place is renamed to `before`, unless that is empty.
  void finish(const std::filesystem::path& before = {});

 private:
  void open_part();
  void flush();
  void write_through(std::string_view bytes);
  [[noreturn]] void refuse(int error) const;

  std::filesystem::path name_;   // as it was given
  std::filesystem::path place_;  // links followed
  std::filesystem::path part_;   // empty: written through
  std::string buffer_;
  int descriptor_ = -1;
  bool reader_gone_ = false;
};

void replace_file(const std::filesystem::path& file, std::string_view bytes);

// Adds to a file's end, or leaves it as it was; made durable by whoever replaces the file later.
void append_to_file(const std::filesystem::path& file, std::string_view bytes);

// Whether `name` is what a FileWriter calls `file` while it is not whole.
bool is_part_of(std::string_view name, std::string_view file);
// What the writers of processes that were killed have left of `file` in a folder; none of a folder that is not
// there.
std::vector<std::filesystem::path> parts_in(const std::filesystem::path& folder, std::string_view file);

// Whether `file` is the process's standard output by another name.
bool is_standard_output(const std::filesystem::path& file);

}  // namespace seqbench
