#include "report/folders.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "experiment/run_files.h"
#include "experiment/run_lock.h"
#include "unit/report/scene.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

// Good results in runs/small/RUN, and above them a result.json of another kind and a curve.
struct Strays : Scene {
  fs::path runs = stored();

  Strays() {
    folder.write("runs/result.json", R"({"schema": 1, "experiments": []})");
    folder.write("runs/small/curve.jsonl", "");
  }
  Removal removed(bool failed) const {
    return remove_runs({.folders = {runs / "small", runs}, .failed = failed, .really = true});
  }
};

TEST_CASE("runs are seen below a folder that has files like those of a run") {
  const Strays scene;
  const Records records = read_records({scene.runs});
  CHECK(records.all.size() == 8);
  REQUIRE(records.problems.size() == 2);
  CHECK(has(records.problems[0], "runs/result.json: "));
  CHECK(has(records.problems[1], "runs/small: is not finished"));
  const std::string listed = list_runs_text({scene.runs});
  CHECK(has(listed, scene.plan.runs[7].id));
  CHECK(std::ranges::count(listed, '\n') == 11);  // a header, the two and the runs
}

TEST_CASE("a folder that has runs below it is never removed, nor are they for what lies in it") {
  const Strays scene;
  scene.folder.write("runs/result.json", "{");
  const Removal failed = scene.removed(true);
  CHECK(failed.removed.empty());
  REQUIRE(failed.left.size() == 2);
  CHECK(has(failed.left[0], "runs/small: is left as it is"));
  CHECK(read_records({scene.runs}).all.size() == 8);
  const Removal all = scene.removed(false);
  CHECK(all.removed.size() == 8);
  CHECK(all.left.size() == 2);
  CHECK(scene.folder.content("runs/result.json") == "{");
  CHECK(fs::exists(scene.runs / "small" / "curve.jsonl"));
}

TEST_CASE("of a run goes what it has written; what else is in its folder stays and is named") {
  const Scene scene;
  const fs::path runs = scene.stored();
  const fs::path noted = scene.plan.runs[0].folder;
  for (const char* name : kRunFiles) std::ofstream(noted / name) << "";
  std::ofstream(noted / "notes.txt") << "mine";
  const auto line = [&](bool really) {
    const Removal removal = remove_runs({.folders = {noted, runs}, .really = really});
    CHECK(removal.removed.size() == 8);
    CHECK(removal.left.empty());
    return removal.removed[0];
  };
  CHECK(line(false) ==
        "would remove " + noted.string() + ", but not what no run has written there: notes.txt");
  CHECK(read_records({runs}).all.size() == 7);
  CHECK(line(true) == "removed " + noted.string() + ", but not what no run has written there: notes.txt");
  CHECK(std::distance(fs::directory_iterator(noted), {}) == 1);
  CHECK(std::distance(fs::directory_iterator(noted.parent_path()), {}) == 1);
}

std::string rm(const fs::path& folder, bool failed) {
  const Removal removal = remove_runs({.folders = {folder}, .failed = failed, .really = true});
  return fmt::format("{}{}", fmt::join(removal.removed, "\n"), fmt::join(removal.left, "\n"));
}

TEST_CASE("files of others that have the names of a run's are not removed, nor counted as a run that failed") {
  const TemporaryFolder folder;
  const std::pair<const char*, std::string> foreign[] = {
      {"result.json", R"({"accuracy": 1})"},
      {"result.json.part", R"({"schema": "of something else"})"},
      {"model.safetensors", std::string("\x40\0\0\0\0\0\0\0", 8) + R"({"__metadata__":{"format":"pt"},"w":{}})"},
      {"checkpoint.safetensors", "weights of another program"},
      {"curve.jsonl", "{\"epoch\": 1}\n"}};
  for (const auto& [name, content] : foreign) folder.write(name, content);
  for (const bool failed : {false, true}) {
    const std::string said = rm(folder.path(), failed);
    if (!failed) CHECK(has(said, "is left as it is: no run has written what is there: checkpoint.safetensors, curve"));
    for (const auto& [name, content] : foreign) CHECK(folder.content(name) == content);
    CHECK_FALSE(has_lock_file(folder.path()));
  }
}

TEST_CASE("a link that points nowhere makes no run of a folder, nor a failure of a result that it stands for") {
  const TemporaryFolder folder;
  fs::create_symlink("nowhere", folder.path() / "link");
  folder.write("model.safetensors", "mine");
  CHECK(runs_under({folder.path()}, Links::followed).empty());
  CHECK(has(message_of([&] { rm(folder.path(), true); }), "no run found"));
  fs::create_symlink("unmounted/result.json", folder.path() / "result.json");
  folder.write("curve.jsonl", "{\"step\": 1}\n");
  CHECK(rm(folder.path(), true) == "");
  CHECK(folder.content("curve.jsonl") == "{\"step\": 1}\n");
  CHECK(folder.content("model.safetensors") == "mine");
}

TEST_CASE("what a run was cut off in while it wrote is removed") {
  const Scene scene;
  const fs::path runs = scene.stored();
  const fs::path run = scene.plan.runs[0].folder;
  const std::string result = [&] {
    std::ostringstream text;
    text << std::ifstream(run / "result.json").rdbuf();
    return text.str();
  }();
  for (const std::size_t size : {0, 1, 9, 12, 300}) {
    std::ofstream(run / "result.json", std::ios::trunc) << result.substr(0, size);
    CHECK(is_of_a_run(run / "result.json"));
  }
  std::ofstream(run / "curve.jsonl") << "{\"st";
  std::ofstream(run / "model.safetensors.part") << std::string("\0\1\0\0\0\0\0\0{\"__meta", 15);
  std::ofstream(run / "checkpoint.safetensors.part") << "";
  CHECK(rm(run, true) == "removed " + run.string());
  CHECK_FALSE(fs::exists(run));
}

TEST_CASE("runs are found through links, each once, and links may go round in a circle") {
  const Scene scene;
  const fs::path runs = scene.stored();
  const fs::path linked = scene.folder.path() / "linked";
  fs::create_directory(linked);
  fs::create_directory_symlink(runs / "small", linked / "a");
  fs::create_directory_symlink(runs, linked / "b");
  fs::create_directory_symlink(linked, linked / "round");
  fs::create_symlink("self", linked / "self");
  CHECK(read_records({linked}).all.size() == 8);
  CHECK(read_records({linked}).problems.empty());
  CHECK(read_records({linked, runs, linked / "a"}).all.size() == 8);
  CHECK(has(list_runs_text({linked}), "linked/a/"));
  CHECK(has(message_of([&] { rm(linked, false); }), "no run found"));
  CHECK(has(message_of([&] { list_runs_text({linked / "self"}); }), "Too many levels of symbolic links"));
  CHECK(has(message_of([&] { read_records({linked / "self"}); }), "Too many levels of symbolic links"));
  CHECK(read_records({runs}).all.size() == 8);
}

TEST_CASE("a run that a process is at work on is listed as such and not removed") {
  const Scene scene;
  const fs::path runs = scene.stored();
  const auto begun = [&](std::size_t run) {
    fs::remove(scene.plan.runs[run].folder / "result.json");
    std::ofstream(scene.plan.runs[run].folder / "curve.jsonl") << "";
  };
  begun(0);
  begun(1);
  const RunLock lock(scene.plan.runs[0].folder);
  const RunLock finished(scene.plan.runs[2].folder);
  const std::string listed = list_runs_text({runs});
  CHECK(has(listed, scene.plan.runs[0].id + "  running"));
  CHECK(has(listed, scene.plan.runs[1].id + "  is not finished"));
  CHECK(has(listed, scene.plan.runs[2].id + "  ok"));
  const Removal removal = remove_runs({.folders = {runs}, .failed = true, .really = true});
  REQUIRE(removal.removed.size() == 1);
  CHECK(has(removal.removed[0], scene.plan.runs[1].id));
  REQUIRE(removal.left.size() == 1);
  CHECK(
      has(removal.left[0], scene.plan.runs[0].id + ": is left as it is: another process is at work on it ("));
  CHECK(fs::exists(scene.plan.runs[0].folder / "curve.jsonl"));
}

TEST_CASE("a run that ends well while it is waited for is not removed as one that failed") {
  const Scene scene;
  const fs::path runs = scene.stored();
  const PlannedRun& run = scene.plan.runs[0];
  fs::remove(run.folder / "result.json");
  std::ofstream(run.folder / "curve.jsonl") << "";
  std::optional<RunLock> lock(run.folder);
  std::jthread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    save_result(run, *scene.results[0]);
    lock.reset();
  });
  // On a busy machine it gives up waiting before the other is done, and leaves the run.
  const Removal removal = remove_runs({.folders = {runs}, .failed = true, .really = true});
  other.join();
  CHECK(removal.removed.empty());
  CHECK(fs::exists(run.folder / "result.json"));
}

TEST_CASE("what a symbolic link points to is not removed through it") {
  const Scene scene;
  const fs::path runs = scene.stored();
  fs::create_directory_symlink(runs, scene.folder.path() / "link");
  for (const char* name : {"link", "link/", "link/."}) {
    const std::string message =
        message_of([&] { remove_runs({.folders = {scene.folder.path() / name}, .really = true}); });
    CHECK(has(message, "link: is a symbolic link to " + runs.string() + "; name the folder itself."));
  }
  CHECK(read_records({runs}).all.size() == 8);
}

}  // namespace
}  // namespace seqbench
