// The tables of a summary: what `run` ends with and `report` starts from.
#pragma once
#include <string>
#include <vector>

#include "experiment/slice_text.h"
#include "experiment/table.h"
#include "report/summary.h"

namespace seqbench {

constexpr double kSolved = 0.99;  // test accuracy from which a run counts as having solved its task

// Fields of which each row shows the best value: those selected over that have more than one.
Texts chosen_fields(const Summary& summary);

// A row per group: what was selected for it, accuracy with its interval, chance, parameters, FLOPs, state,
// speeds, memory. Runs that did not end well have lines of their own.
Table main_table(const Summary& summary);
// Below a table: each of the groups, the figure of its runs and of those it was selected from, and the file
// that it is read from.
void explain_groups(Table& table, const Summary& summary, const std::string& metric);
// What its numbers mean, a line each.
Texts notes(const Summary& summary);

// For tables by length, distance, ...
std::vector<ScoredRow> scored_rows(const Summary& summary);
Texts short_fields(const Summary& summary);

// All of them as plain text.
std::string summary_text(const Summary& summary, bool explain);

// The main table of each experiment of a plan, its rows in the order of the grid, with what belongs to it.
std::string results_text(const Plan& plan, const Results& results);

}  // namespace seqbench
