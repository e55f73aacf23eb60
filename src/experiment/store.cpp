#include "experiment/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

class File {
 public:
  File(const fs::path& path, int flags)
      : path_(path), descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    fail_if(descriptor_ < 0, "{}: cannot be written: {}.", path.string(), std::strerror(errno));
  }
  ~File() { ::close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      fail_if(written <= 0, "{}: cannot be written: {}.", path_.string(), std::strerror(errno));
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void make_durable() {
    fail_if(::fsync(descriptor_) != 0, "{}: cannot be written: {}.", path_.string(), std::strerror(errno));
  }

 private:
  fs::path path_;
  int descriptor_;
};

void write_whole(const fs::path& file, std::string_view text) {
  const fs::path temporary = file.string() + ".part";
  {
    File out(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    out.write(text);
    out.make_durable();
  }
  fs::rename(temporary, file);
  File(file.parent_path(), O_RDONLY | O_DIRECTORY).make_durable();
}

// Makes a folder and those above it, remembering which ones are new.
void make_folder(const fs::path& folder, std::vector<fs::path>& made) {
  if (folder.empty() || fs::is_directory(folder)) return;
  make_folder(folder.parent_path(), made);
  if (fs::create_directory(folder)) made.push_back(folder);
}

bool holds_more_than_a_failure(const PlannedRun& run) try {
  const auto stored = load_result(run);
  return stored && stored->result.status != Status::failed;
} catch (const Error&) {
  return true;
}

void prove_writable(const fs::path& folder) {
  const fs::path probe = folder / (".probe-" + std::to_string(::getpid()));
  { File(probe, O_WRONLY | O_CREAT | O_EXCL); }
  fs::remove(probe);
}

}  // namespace

std::optional<StoredResult> load_result(const PlannedRun& run) {
  const fs::path file = run.folder / "result.json";
  if (!fs::exists(file)) return std::nullopt;
  try {
    return stored_result(read_json(file), file.string());
  } catch (const NewerResult& error) {
    fail("{} Use that one, or choose another --out.", error.what());
  } catch (const Error& error) {
    fail("{} Delete that file or move it away, and its run is run again.", error.what());
  }
}

void save_result(const PlannedRun& run, const StoredResult& stored) {
  if (stored.result.status == Status::failed && holds_more_than_a_failure(run)) return;
  try {
    write_whole(run.folder / "result.json", result_json(run, stored).dump(2) + "\n");
    if (stored.result.status != Status::failed) fs::remove(run.folder / "checkpoint.safetensors");
  } catch (const fs::filesystem_error& error) {
    fail("{}", error.what());
  }
}

void forget_run(const fs::path& folder) {
  for (const char* name : kRunFiles) {
    std::error_code error;
    fs::remove(folder / name, error);
    fail_if(static_cast<bool>(error), "{}: cannot be removed: {}.", (folder / name).string(),
            error.message());
  }
}

void prepare_folders(const Plan& plan) {
  std::vector<fs::path> made;
  try {
    for (const PlannedRun& run : plan.runs) make_folder(run.folder.parent_path(), made);
    for (const Experiment& experiment : plan.experiments) {
      prove_writable(plan.runs[experiment.members.front().run].folder.parent_path());
    }
  } catch (const std::exception& error) {
    std::error_code ignored;
    for (auto folder = made.rbegin(); folder != made.rend(); ++folder) fs::remove(*folder, ignored);
    fail("the output folder cannot be written: {} Choose another with --out.", error.what());
  }
}

}  // namespace seqbench
