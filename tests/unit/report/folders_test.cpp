#include "report/folders.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

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
  for (const char* name : kRunFiles) std::ofstream(noted / name) << "x";
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
      has(removal.left[0], scene.plan.runs[0].id + ": is left as it is: another process is at work on it."));
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
  const Removal removal = remove_runs({.folders = {runs}, .failed = true, .really = true});
  CHECK(removal.removed.empty());
  CHECK(removal.left.empty());
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
