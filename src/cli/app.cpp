// The only file that knows CLI11, which takes five seconds to compile.
#include "cli/app.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>

#include "base/error.h"
#include "base/machine.h"
#include "cli/apply_command.h"
#include "cli/bench_command.h"
#include "cli/check_command.h"
#include "cli/compare_command.h"
#include "cli/eval_command.h"
#include "cli/folder_commands.h"
#include "cli/output.h"
#include "cli/report_command.h"
#include "cli/run_command.h"
#include "experiment/describe.h"
#include "experiment/doctor.h"
#include "experiment/environment.h"
#include "experiment/schema.h"
#include "experiment/spec.h"
#include "experiment/task_example.h"
#include "report/report.h"

namespace seqbench {
namespace {

constexpr int kMostThreads = 1024;

// A variable of the shell that is not set must not stand for "no file". After "--out=" CLI11 takes the next
// option for the name.
std::string complaint_about_name(const std::string& name) {
  if (!name.empty() && !name.starts_with("--")) return "";
  return fmt::format("expected the name of a file or folder, got \"{}\"; is a variable of the shell not set?",
                     name);
}
const CLI::Validator kFileName(complaint_about_name, "");

// CLI::Range takes nan, which is neither below nor above anything.
std::string complaint_about_number(const std::string& number) {
  const double value = std::strtod(number.c_str(), nullptr);
  return std::isfinite(value) ? "" : fmt::format("expected a number, got {}", number);
}
const CLI::Validator kFinite(complaint_about_number, "");

class App {
 public:
  App() {
    app_.set_version_flag("--version", "seqbench " + version_text());
    app_.require_subcommand(1);
    app_.get_formatter()->column_width(34);
    app_.footer(
        "Exit status: 0 done, 1 a run failed, is worse or is another process's, 2 bad usage or spec (nothing "
        "ran), 130 interrupted (state kept).");
    add_run();
    add_eval();
    add_sample();
    add_report();
    add_compare();
    add_folder_commands();
    add_list();
    add_describe();
    add_check();
    add_bench();
    add_apply();
    add_doctor();
    add_command("schema", "print the JSON Schema of specs", [] { return print_text(schema_text()); });
  }

  int operator()(int argc, char** argv) {
    if (argc < 2) {
      print_error(app_.help());
      return kBadUsage;
    }
    try {
      if (argv[1] == std::string("help")) return help_of(argc > 2 ? argv[2] : "");
      check_name(argv[1]);
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return parse_error(error);
    }
    return status_;
  }

 private:
  template <class F>
  CLI::App* add_command(const std::string& name, const std::string& help, const F& command) {
    CLI::App* added = app_.add_subcommand(name, help);
    added->callback([this, command] { status_ = command(); });
    return added;
  }

  void add_run() {
    RunArguments& a = run_;
    a.threads = core_count();
    CLI::App* run = add_command("run", "plan, train, evaluate, measure and store the runs of specs",
                                [&a] { return run_command(a); });
    run->add_option("spec", a.specs, "JSON files: see configs/")->required()->type_name("SPEC");
    run->add_option("--set", a.sets, "override a value, or a whole grid axis: train.lr=1e-3, grid.seed=[0,1]")
        ->type_name("PATH=VALUE")
        ->allow_extra_args(false)
        ->take_all();
    run->add_option("--out", a.out, "where results go")
        ->type_name("DIR")
        ->check(kFileName)
        ->capture_default_str();
    run->add_option("--jobs", a.jobs, "runs side by side")
        ->type_name("N")
        ->check(CLI::Range(1, kMostThreads))
        ->capture_default_str();
    run->add_option("--threads", a.threads, "threads of all jobs together")
        ->type_name("N")
        ->check(CLI::Range(1, kMostThreads))
        ->capture_default_str();
    auto* const shard =
        run->add_option("--shard", a.shard, "this part of the runs alone: 2/4 is the second of four")
            ->type_name("I/N")
            ->capture_default_str();
    run->add_option("--time-limit", a.time_limit,
                    "of the whole command, like 90s, 30m or 2h: then it stops as Ctrl-C stops it")
        ->type_name("TIME");
    run->add_option("--run-time-limit", a.run_time_limit,
                    "of each run: one that needs longer ends as \"timeout\", and a longer limit takes it up")
        ->type_name("TIME");
    run->add_option("--slurm", a.slurm, "write a script for sbatch, tasks for all runs to do, and stop")
        ->type_name("SCRIPT")
        ->check(kFileName)
        ->excludes(shard);
    run->add_flag("--dry-run", a.dry_run, "print runs, parameters, FLOPs and estimated time, and stop");
    run->add_flag("--force", a.force, "run again what is finished or begun")->excludes("--slurm");
    run->add_flag("--quiet", a.quiet, "no progress; errors and the table only");
    run->footer(
        "A finished run is skipped, an interrupted one goes on where it stopped. One that another process is at "
        "work on has a link run.lock in its folder, which names host and process, and is left alone.");
  }

  void add_eval() {
    EvalArguments& a = eval_;
    a.threads = core_count();
    CLI::App* eval =
        add_command("eval", "test trained models again, on other lengths or settings of their task",
                    [&a] { return eval_command(a); });
    eval->add_option("run", a.runs, "folders of finished runs or above them, or files model.safetensors")
        ->type_name("RUN ...")
        ->required();
    eval->add_option("--set", a.sets, "task.*, eval.* or seed: eval.lengths=[64,512], task.pairs=16")
        ->type_name("PATH=VALUE")
        ->allow_extra_args(false)
        ->take_all();
    eval->add_option("--threads", a.threads, "workers")
        ->type_name("N")
        ->check(CLI::Range(1, kMostThreads))
        ->capture_default_str();
    eval->add_option("--rows", a.rows,
                     "positions that go through the model at once; changes memory and speed only")
        ->type_name("N")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    eval->add_flag("--best", a.best, "the weights with the best validation, instead of the last");
    CLI::Option* paired = eval->add_flag("--paired", a.paired,
                                         "tell two runs apart by the examples that one of them got right");
    eval->add_option("--examples", a.examples, "write the scores of every example, a line of JSON each")
        ->type_name("FILE")
        ->check(kFileName);
    eval->add_flag("--json", a.json, "for programs")->excludes(paired);
    eval->add_flag("--quiet", a.quiet, "no progress; errors and the table only");
    eval->footer(
        "Tests that differ from the run's own are kept beside its result: report, ls and compare see them.");
  }

  void add_sample() {
    SampleArguments& a = sample_;
    CLI::App* sample = add_command("sample", "print what a trained language model writes",
                                   [&a] { return sample_command(a); });
    sample->add_option("run", a.run, "folder of a finished run, or its model.safetensors")
        ->type_name("RUN")
        ->required();
    sample->add_option("--prompt", a.prompt, "text to go on from; default: a new line, or the first of its characters")->type_name("TEXT");
    sample->add_option("--tokens", a.tokens, "to write")
        ->type_name("N")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    sample->add_option("--temperature", a.temperature, "below 1 likelier tokens, 0 the likeliest alone")
        ->type_name("T")
        ->check(CLI::Range(0.0, 100.0))
        ->check(kFinite)
        ->capture_default_str();
    sample->add_option("--seed", a.seed, "of the draw")
        ->type_name("N")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
  }

  void add_report() {
    ReportArguments& a = report_;
    CLI::App* report =
        add_command("report", "tables and plots of results", [&a] { return report_command(a); });
    report->add_option("folder", a.folders, "that \"seqbench run --out\" has made; or files result.json")
        ->type_name("DIR ...")
        ->required();
    report->add_option("--format", a.format, "text, markdown, csv, latex, html or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember(report_formats()))
        ->capture_default_str();
    report->add_option("--out", a.out, "default: standard output")->type_name("FILE")->check(kFileName);
    const auto add_list = [&](const char* name, Texts& to, const char* help, const char* type) {
      report->add_option(name, to, help)->type_name(type)->delimiter(',')->allow_extra_args(false);
    };
    add_list("--rows", a.rows, "one figure only: fields whose values are the rows: mechanism, train.lr, ...",
             "FIELD,..");
    add_list("--cols", a.columns, "and the columns", "FIELD,..");
    report
        ->add_option("--metric", a.metric,
                     "the figure: test.accuracy, test.loss@256, cost.state_bytes@4096, ...")
        ->type_name("METRIC");
    report
        ->add_option("--where", a.filters,
                     "only results with this value: mechanism=softmax,linear; task!=copy")
        ->type_name("FIELD=VALUE")
        ->allow_extra_args(false)
        ->take_all();
    add_list("--over", a.over, "fields of which the best value is shown; default: all of train that differ",
             "FIELD,..");
    report->add_option("--select", a.select, "what decides that; default: valid.accuracy, of text valid.loss")
        ->type_name("METRIC");
    report->add_flag("--explain", a.explain, "name the files behind each row or cell");
    report->add_option("--plots", a.plots, "write each plot as an SVG file into this folder")
        ->type_name("DIR")
        ->check(kFileName);
  }

  void add_compare() {
    CompareArguments& a = compare_;
    CLI::App* compare = add_command("compare", "tell whether results are worse than earlier ones",
                                    [&a] { return compare_command(a); });
    compare->add_option("base", a.base, "folder of the earlier results")->type_name("BASE")->required();
    compare->add_option("new", a.fresh, "folder of the new ones")->type_name("NEW")->required();
    compare->add_option("--allow", a.allow, "compare although this setting differs: train.lr")
        ->type_name("PATH")
        ->allow_extra_args(false)
        ->take_all();
    compare
        ->add_option("--margin", a.margin,
                     "of accuracy (of loss: a share; above a source: nats) that does not matter")
        ->type_name("M")
        ->check(CLI::Range(0.0, 1.0))
        ->check(kFinite)
        ->capture_default_str();
    compare->add_option("--speed-margin", a.speed_margin, "share of speed that does not matter")
        ->type_name("M")
        ->check(CLI::Range(0.0, 1.0))
        ->check(kFinite)
        ->capture_default_str();
    compare->add_flag("--no-speed", a.no_speed, "accuracy alone");
    compare->add_flag("--markdown", a.markdown, "to post on a pull request");
    compare->add_option("--junit", a.junit, "write JUnit's XML as well")->type_name("FILE")->check(kFileName);
    compare->footer("Exit status 1 only when something is worse.");
  }

  void add_folder_commands() {
    FolderArguments& a = folders_;
    CLI::App* ls = add_command("ls", "list the runs in folders", [&a] { return ls_command(a); });
    ls->add_option("folder", a.folders, "that \"seqbench run --out\" has made")
        ->type_name("DIR ...")
        ->required();
    CLI::App* rm = add_command("rm", "remove runs", [&a] { return rm_command(a); });
    rm->add_option("folder", a.folders, "of runs, or above them")->type_name("DIR ...")->required();
    rm->add_flag("--failed", a.failed, "only those that ended badly or are not finished");
    rm->add_flag("--yes", a.yes, "do it; without this, print what would be removed");
    CLI::App* diff =
        add_command("diff", "show what differs between two runs", [&a] { return diff_command(a); });
    diff->add_option("run", a.folders, "folders of finished runs")
        ->type_name("RUN RUN")
        ->expected(2)
        ->required();
  }

  void add_list() {
    CLI::App* list = add_command("list", "list mechanisms and tasks",
                                 [this] { return print_text(json_ ? list_json(what_) : list_text(what_)); });
    list->add_option("what", what_, "mechanisms or tasks; default: both")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"mechanisms", "tasks"}));
    list->add_flag("--json", json_, "for programs");
  }

  void add_describe() {
    CLI::App* describe =
        add_command("describe", "show what a mechanism, task or section of a spec is and takes", [this] {
          if (example_) return print_text(example_text(parse_task(what_, "describe")));
          return print_text(json_ ? describe_json(what_) : describe_text(what_));
        });
    describe
        ->add_option("name", what_,
                     "as \"seqbench list\" prints them, or: task, model, train, eval, measure, grid, select, budget; "
                     "a task or mechanism also as JSON with options: "
                     "{\"name\": \"mqar\", \"pairs\": 4}")
        ->type_name("NAME")
        ->required();
    CLI::Option* json = describe->add_flag("--json", json_, "for programs");
    describe->add_flag("--example", example_, "print samples of a task")->excludes(json);
  }

  void add_check() {
    CheckArguments& a = check_;
    a.threads = core_count();
    CLI::App* check = add_command(
        "check", "prove that a mechanism's forms, gradients and state are those of one causal function",
        [&a] { return check_command(a); });
    check
        ->add_option("mechanism", a.mixers,
                     "names, or JSON as in model.mixer: {\"name\": \"softmax\", \"heads\": 2}; default: all")
        ->type_name("NAME");
    check->add_option("--proof", a.proofs, "this proof only")
        ->type_name("PROOF")
        ->allow_extra_args(false)
        ->check(CLI::IsMember(proof_names()));
    check->add_option("--isa", a.isa, "the most that kernels may use")
        ->type_name("ISA")
        ->check(CLI::IsMember(isa_names()))
        ->capture_default_str();
    check->add_option("--threads", a.threads, "proofs at once")
        ->type_name("N")
        ->check(CLI::Range(1, kMostThreads))
        ->capture_default_str();
    check->add_flag("--json", a.json, "for programs");
    check->footer(
        "A name stands for its defaults and for every setting its entry lists; JSON for itself alone.");
  }

  void add_bench() {
    BenchArguments& a = bench_;
    CLI::App* bench =
        add_command("bench", "time mechanisms by themselves: forward, train, prefill, decode", [this, &a] {
          a.flags = app_.get_subcommand("bench")->remaining();
          return bench_command(a);
        });
    bench
        ->add_option("mechanism", a.mixers,
                     "names, or JSON as in model.mixer: {\"name\": \"softmax\", \"heads\": 2}; default: all")
        ->type_name("NAME");
    bench->add_option("--lengths", a.lengths, "of the sequences, and of the contexts to decode after")
        ->delimiter(',')
        ->type_name("N,N")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    bench->add_option("--width", a.width, "numbers per position")
        ->type_name("N")
        ->check(CLI::Range(1, 1 << 14))
        ->capture_default_str();
    bench->add_option("--batch", a.batch, "sequences at once")
        ->type_name("N")
        ->check(CLI::Range(1, 1 << 12))
        ->capture_default_str();
    bench->allow_extras();
    bench->footer(
        "On one thread. Flags of Google Benchmark go through: --benchmark_filter=decode, "
        "--benchmark_repetitions=5 --benchmark_enable_random_interleaving=true, --benchmark_format=json.");
  }

  void add_apply() {
    ApplyArguments& a = apply_;
    CLI::App* apply = add_command(
        "apply", "one mechanism on given weights and input, to check it against another framework",
        [&a] { return apply_command(a); });
    apply->add_option("mechanism", a.mechanism, "as \"seqbench list\" prints it")
        ->type_name("NAME")
        ->required();
    apply->add_option("--options", a.options, "its options")->type_name("JSON")->capture_default_str();
    apply
        ->add_option("--weights", a.weights,
                     "safetensors: every parameter by name, as \"seqbench describe NAME\" lists them")
        ->type_name("FILE")
        ->check(kFileName)
        ->required();
    apply
        ->add_option(
            "--input", a.input,
            "safetensors: x [B, L, D]; state.PART and state.tokens to start from; dy, d_state.PART for "
            "gradients")
        ->type_name("FILE")
        ->check(kFileName)
        ->required();
    apply->add_option("--output", a.output, "safetensors to write: y, state.PART, state.tokens")
        ->type_name("FILE")
        ->check(kFileName)
        ->required();
    apply
        ->add_option("--grad", a.gradients,
                     "safetensors to write: gradients of x, every parameter, state.PART")
        ->type_name("FILE")
        ->check(kFileName);
    apply->add_option("--form", a.form, "parallel, chunkwise or recurrent; default: the training form")
        ->type_name("FORM");
    apply->add_option("--length", a.length, "of the sequences it is trained on; default: that of x")
        ->type_name("N")
        ->check(CLI::Range(1, 1 << 20));
    apply->add_option("--layer", a.layer, "its place in a model, from 0, of")
        ->type_name("N")
        ->check(CLI::Range(0, 255))
        ->capture_default_str();
    apply->add_option("--layers", a.layers, "so many")
        ->type_name("N")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
  }

  void add_doctor() {
    CLI::App* doctor = add_command("doctor", "show what this machine and build offer", [this] {
      const Environment environment = measure_environment(core_count(), true);
      return print_text(json_ ? doctor_json(environment) : doctor_text(environment));
    });
    doctor->add_flag("--json", json_, "for programs");
  }

  // CLI11 would call an unknown command an unexpected argument.
  void check_name(const std::string& name) const {
    if (name.starts_with("-")) return;
    Texts known;
    for (const CLI::App* command : app_.get_subcommands({})) known.push_back(command->get_name());
    fail_if(std::ranges::find(known, name) == known.end(), "{}",
            unknown_name("command", name, "command line", known));
  }

  int help_of(const std::string& command) {
    if (command.empty()) return print_text(app_.help());
    check_name(command);
    return print_text(app_.get_subcommand(command)->help("seqbench"));
  }

  // CLI11 complains of what is missing before it does of a wrong option, which may be why.
  void check_options() const {
    for (const CLI::App* command : app_.get_subcommands()) {
      if (command->get_name() == "bench") continue;  // the flags of Google Benchmark go through
      Texts known;
      for (const CLI::Option* option : command->get_options()) known.push_back(option->get_name());
      for (const std::string& name : command->remaining()) {
        fail_if(name.starts_with("--"), "{}",
                unknown_name("option", name, "seqbench " + command->get_name(), known));
      }
    }
  }

  int parse_error(const CLI::ParseError& error) const {
    if (error.get_exit_code() != 0) check_options();
    std::ostringstream out;
    std::ostringstream text;
    const int code = app_.exit(error, out, text);
    if (code == 0) return print_text(out.str());
    std::string command = "seqbench";
    for (const CLI::App* parsed : app_.get_subcommands()) command += " " + parsed->get_name();
    const bool tensors = app_.got_subcommand("apply") && !apply_.mechanism.empty();
    print_error(
        fmt::format("{}: {}\n\"{} --help\" shows how it is used{}.\n", command, error.what(), command,
                    tensors ? ", \"seqbench describe " + apply_.mechanism + "\" what its files hold" : ""));
    return kBadUsage;
  }

  CLI::App app_{"seqbench: what each way of mixing a sequence buys, and what it costs", "seqbench"};
  RunArguments run_;
  EvalArguments eval_;
  SampleArguments sample_;
  ReportArguments report_;
  CompareArguments compare_;
  FolderArguments folders_;
  CheckArguments check_;
  BenchArguments bench_;
  ApplyArguments apply_;
  std::string what_;
  bool json_ = false;
  bool example_ = false;
  int status_ = kDone;
};

int guarded(int argc, char** argv) try { return App()(argc, argv); } catch (const Error& error) {
  print_error(fmt::format("seqbench: {}\n", error.what()));
  return kBadUsage;
} catch (const std::filesystem::filesystem_error& error) {  // a loop of links, a name that is too long
  print_error(fmt::format("seqbench: {}: {}.\n", error.path1().string(), error.code().message()));
  return kBadUsage;
} catch (const std::bad_alloc&) {
  print_error("seqbench: out of memory.\n");
  return kFailed;
} catch (const std::exception& error) {
  print_error(fmt::format("seqbench: internal error: {}\n", error.what()));
  return kFailed;
}

}  // namespace

int run_app(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that stops early ("| head") must not end a run
  const int status = guarded(argc, argv);
  return flush_output() ? status : kFailed;
}

}  // namespace seqbench
