#!/usr/bin/env python3
"""Writes test_every_argument.c: calls of every function of catena.h with each of its arguments wrong in turn.

Usage: every_argument.py catena.h OUTPUT

A function is called as it should be, which must succeed, then with each argument replaced: a pointer by NULL, a text by one that
means nothing, a number by those at the ends of its type, an index by one past all others. A function with a status must
refuse each of these, but for what is listed here as allowed. A new function has its calls by its types; a type that is new here,
or a call that does not succeed as it should, is a failure until there is a line for it below.
"""

import re
import sys

# Arguments of other values than their type's: by function and name, by name.
GIVEN = {
    ("options_get", "size"): "ROOM",
    ("checkpoint_new", "length"): "4",
    ("init_json_new", "length"): "2",
    ("init_json_new", "text"): '"{}"',
    ("init_position_new", "dimension"): "DIMENSION",
    ("filter_options_init", "struct_size"): "sizeof(catena_filter_options)",
    ("updater_options_init", "struct_size"): "sizeof(catena_updater_options)",
    ("options_set", "name"): '"metric"',
    ("options_set", "value"): '"dense_e"',
    ("options_set_number", "name"): '"delta"',
    ("options_set_integer", "name"): '"seed"',
    ("options_get", "name"): '"seed"',
    ("options_get_number", "name"): '"delta"',
    ("options_get_integer", "name"): '"seed"',
    ("writer_csv_new", "sig_figs"): "5",
    ("writer_csv_new", "path"): '"every_argument.csv"',
    ("writer_arrow_new", "path"): '"every_argument.arrow"',
    ("course_note_updater", "course"): "new_course_of(CATENA_NOUN_DATUM)",
    ("course_note_population", "course"): "new_course_of(CATENA_NOUN_STEP)",
    ("course_note_filter", "course"): "new_course_of(CATENA_NOUN_TIME)",
    ("course_new", "noun"): "CATENA_NOUN_STAGE",
    ("course_particles", "size"): "3",
    ("course_report", "course"): "course_with_a_step()",
    ("course_report", "path"): '"every_argument.html"',
    ("files_report", "path"): '"every_argument.html"',
    ("files_read", "paths"): "paths_of_draws()",
    ("files_inv_metric", "size"): "2",
    ("files_warmup_step_sizes", "size"): "2",
    ("report", "path"): '"every_argument.html"',
    ("updater_ellipsoid", "tolerance"): "0.01",
    ("updater_density", "bandwidth"): "0.1",
    ("options_set_metric", "value"): "CATENA_METRIC_DENSE_E",
    ("options_set_max_depth", "value"): "5",
    ("task_message", "message"): '"words"',
    ("task_log", "line"): '"words"',
    ("task_log", "level"): "CATENA_LOG_INFO",
    ("updater_hull", "room"): "ROOM",
    ("filter_log_evidences", "size"): "3",
    ("filter_ess", "size"): "3",
    ("filter_means", "size"): "3",
    ("filter_variances", "size"): "3",
    ("filter_trajectories", "size"): "6",
    ("filter_lineage", "size"): "3",
    ("filter_survivors", "size"): "3",
    ("updater_densest", "size"): "20",
    ("updater_models", "size"): "20",
    ("updater_weights", "size"): "20",
    ("updater_log_weights", "size"): "20",
    ("updater_set_log_weights", "size"): "20",
    ("updater_hypothetical_update", "size"): "20",
    ("updater_divergences", "size"): "0",
    ("updater_optimize", "fields"): "sizes_written",
    ("updater_load", "checkpoint"): "saved_updater()",
    ("population_load", "checkpoint"): "saved_population()",
    ("population_for_each", "room"): "4",
    ("population_set_log_weights", "count"): "4",
    ("population_weights", "size"): "4",
    ("population_pooled_weights", "size"): "4",
    ("population_ancestors", "size"): "4",
    ("result_inv_metric", "size"): "4",
    ("report", "size"): "24",
    ("summary_new", "size"): "24",
    ("summary_select", "size"): "24",
    ("writer_memory_new", "size"): "3",
    ("writer_memory_new", "column_stride"): "1",
    ("writers_memory_new", "size"): "3",
    "outcome": "ones",
    "outcomes": "ones",
    ("filter_particles", "num_particles"): "10",
    ("population_block_resample", "num_counts"): "1",
    "draws": "DRAWS",
    "columns": "3",
    "columns_stride": "1",
    "set": "1",
    "n_particles": "4",
    "samples": "20",
    "epsilon": "1e-6",
    "threshold": "1e-6",
    "probability": "0.5",
    "level": "0.5",
    "scale": "1.5",
    "time_out": "1",
    "timeout": "60",
    "max_depth": "10",
    "max_evaluations": "10",
    "name": '"x.1"',
    "path": '"every_argument"',
    "library": '"no such library"',
    "data": '""',
}
# Sizes that are places in a list, from 0.
INDICES = {"index", "fit", "chain", "set", "start", "mode", "row", "stage", "place", "trace", "particle", "time", "generation",
           "parameter", "rank"}

# Names of enumerations and numbers for them.
CHOICES = {"layout": "CATENA_LAYOUT_ROWS"}




def functions(header):
    text = re.sub(r"/\*.*?\*/", "", open(header).read(), flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    for returned, name, given in re.findall(
        r"^([a-zA-Z_][\w \t\*]*?)\bcatena_(\w+)\s*\(([^;{}]*?)\)\s*;", text, flags=re.M | re.S
    ):
        arguments = []
        for one in " ".join(given.split()).split(","):
            if one.strip() not in ("void", ""):
                kind, argument = re.match(r"\s*(.*?)(\w+)$", one).groups()
                arguments.append((kind.replace("struct ", "").strip(), argument))
        yield " ".join(returned.replace("struct ", "").split()), name, arguments


# Tables: what fills them.
TABLES = {
    "catena_logger": "fx_logger", "catena_interrupt": "fx_interrupt", "catena_density": "fx_density()", "catena_traces": "fx_traces()",
    "catena_likelihood": "fx_likelihood()", "catena_state_space": "fx_state_space()", "catena_init_table": "fx_init_table",
    "catena_writer_table": "fx_writer_table", "catena_updater_options": "fx_updater_options()",
    "catena_filter_options": "fx_filter_options()",
}
# Tables that are all zeros besides their size.
PLAIN = {"catena_io", "catena_population_io", "catena_report_options", "catena_summary_options", "catena_progress",
         "catena_communicator", "catena_reference", "catena_draws", "catena_design", "catena_course_step", "catena_course_options"}
HANDLES = {"model", "options", "result", "approximation", "optimum", "smc_result", "gradient_check", "run", "pool", "devices", "ranks",
           "init", "writer", "checkpoint", "prior", "summary", "error", "population", "updater", "filter", "course", "files"}
ARRAYS = {"double": "written", "uint8_t": "bytes_written", "size_t": "sizes_written", "uint32_t": "small_written",
          "int": "codes_written", "uint64_t": "words_written", "char": "text_written"}


class Call:
    """The C function that makes the calls of one of the library's."""

    def __init__(self, returned, name, arguments):
        self.returned, self.name, self.arguments = returned, name, arguments
        self.before, self.values, self.after, self.bad = [], [], [], []
        for i, (kind, argument) in enumerate(arguments):
            self.add(i, kind, argument)

    def given(self, argument, otherwise):
        return GIVEN.get((self.name, argument), GIVEN.get(argument, otherwise))

    def add(self, i, kind, argument):
        base = kind.replace("const", "").replace("*", "").strip()
        handle = base.removeprefix("catena_")
        declared, bad = kind, []
        if kind == "catena_error **":
            value, bad = "&error", ["NULL"]
        elif kind.endswith("**") and handle in HANDLES:
            self.before.append(f"  {base} *made{i} = NULL;")
            self.after.append(f"  {base.replace(base, 'catena_' + handle)}_free(made{i});")
            value, bad = f"&made{i}", ["NULL"]
        elif kind == "const char *const *":
            value, bad = self.given(argument, "column_names"), ["NULL"]
        elif kind == "const catena_prior *const *":
            self.before.append(f"  catena_prior *part{i} = new_prior();")
            self.before.append(f"  const catena_prior *parts{i}[1] = {{part{i}}};")
            self.after.append(f"  catena_prior_free(part{i});")
            value, bad = f"parts{i}", ["NULL"]
        elif kind == "const char *":
            value, bad = self.given(argument, '"text"'), ["NULL", '"\\xff no such thing"']
        elif kind.endswith("*") and handle in HANDLES:
            self.before.append(f"  catena_{handle} *handle{i} = {self.given(argument, f'new_{handle}()')};")
            freed = self.returned == "void" and self.name == f"{handle}_free"
            self.after.append(f"  {'if (bad) ' if freed else ''}catena_{handle}_free(handle{i});")
            value, bad = f"handle{i}", ["NULL"]
        elif kind in ("catena_task *", "const catena_task *"):
            value, bad = "task", ["NULL"]
        elif base in TABLES:
            self.before.append(f"  {base} table{i} = {TABLES[base]};")
            value, bad = f"&table{i}", ["NULL"]
        elif base in PLAIN:
            self.before.append(f"  {base} table{i} = {{.struct_size = sizeof table{i}}};")
            self.before += [f"  {line.replace('$', f'table{i}')}" for line in FILLED.get(base, [])]
            self.after += [f"  {line.replace('$', f'{i}')}" for line in EMPTIED.get(base, [])]
            value, bad = f"&table{i}", ["NULL"]
        elif base in ("catena_models", "catena_bytes", "catena_family"):
            value, bad = "NULL", []  # Lent to callbacks alone, which try them: every_argument.h.
        elif kind in ("void *", "const void *"):
            value, bad = ("NULL", []) if argument in ("user", "data") else ("numbers", ["NULL"])
        elif kind.startswith("const ") and kind.endswith("*"):
            value = {"double": "numbers", "uint8_t": '(const uint8_t *)"junk"', "size_t": "one_each", "uint64_t": "ids"}[base]
            value = self.given(argument, value)
            bad = ["NULL"]
        elif kind.endswith("*"):
            value, bad = ARRAYS[base], ["NULL"]
        elif kind == "size_t":
            index = argument in INDICES
            value = self.given(argument, "0" if index else "1") if not (index and argument == "set") else "0"
            bad = ["SIZE_MAX"] if index else ["0"]
        elif kind == "uint64_t":
            value, bad = self.given(argument, "1"), ["0", "UINT64_MAX"]
        elif kind == "uint32_t":
            value, bad = self.given(argument, "1"), ["0"]
        elif kind in ("int32_t", "int"):
            value = CHOICES.get(argument, self.given(argument, "0"))
            bad = ["-7", "INT32_MAX", "INT32_MIN"]
        elif kind == "int64_t":
            value, bad = self.given(argument, "0"), ["INT64_MIN", "INT64_MAX"]
        elif kind == "double":
            value, bad = self.given(argument, "0.5"), ["NAN", "INFINITY", "-INFINITY"]
        elif kind == "catena_measure":
            value, bad = "fx_measure", ["NULL"]
        elif kind == "catena_custom_resampler":
            value, bad = "fx_resampler", ["NULL"]
        elif kind == "catena_piece":
            value, bad = "fx_piece", ["NULL"]
        else:
            sys.exit(f"catena_{self.name}: no value for an argument of type '{kind}'; give it one in every_argument.py")
        self.values.append((declared, f"a{i}", value))
        self.bad += [(i, argument, one) for one in bad]

    def text(self):
        has_status = self.returned == "catena_status" and any(kind == "catena_error **" for kind, _ in self.arguments)
        lines = [f"static void try_{self.name}(size_t bad, catena_task *task) {{", "  catena_error *error = NULL;", *self.before]
        if has_status:
            lines.append("  catena_status status;")
        lines += [f"  {kind} {name} = {value};".replace("* a", "*a") for kind, name, value in self.values]
        lines.append("  switch (bad) {")
        lines += [f"  case {k}: a{i} = {one}; break;" for k, (i, _, one) in enumerate(self.bad, 1)]
        lines += ["  default: break;", "  }", "  (void)task;"]
        call = f"catena_{self.name}({', '.join(name for _, name, _ in self.values)})"
        if has_status:
            where = next(name for kind, name, _ in self.values if kind == "catena_error **")
            lines.append(f"  status = {call};")
            lines.append(f'  judge("{self.name}", bad, status, error, {where} != NULL);')
        else:
            lines.append(f"  {'' if self.returned == 'void' else '(void)'}{call};")
        # What was made of others goes before them.
        lines += ["  catena_error_free(error);", *reversed(self.after), "}"]
        return "\n".join(lines)

    def labels(self):
        return [f"{argument} = {one}" for _, argument, one in self.bad]


FILLED = {
    "catena_draws": [
        "static const char *const drawn$[] = {\"x.1\", \"x.2\"};", "static const double *const draw$[] = {numbers};",
        "$.names = drawn$;", "$.columns = 2;", "$.values = draw$;", "$.rows = one_each;", "$.num_chains = 1;",
    ],
    "catena_communicator": ["catena_ranks *own_$ = new_ranks();", "CHECK_OK(catena_ranks_communicator(own_$, 0, &$, &error));"],
    "catena_design": ["$.scale = 1, $.most = 10, $.samples = 5;"],
    "catena_report_options": [
        "$.step_sizes = ones, $.inv_metrics = ones, $.metric_size = $.dimension = DIMENSION;",
        "$.warmup_step_sizes = ones, $.warmup_size = 2;",
        "$.setting_names = $.setting_values = column_names, $.num_settings = 1;",
    ],
    "catena_reference": ["$.mean = numbers, $.spread = ones, $.spread_size = DIMENSION;"],
}
# What is owed to them in the end.
EMPTIED = {"catena_communicator": ["catena_ranks_free(own_table$);"]}


def main():
    header, output = sys.argv[1:]
    calls = [Call(*one) for one in functions(header)]
    c_text = lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    parts = ['#include "every_argument_judge.h"', ""]
    parts += [call.text() for call in calls]
    for call in calls:
        parts.append(f"static const char *const labels_{call.name}[] = {{{', '.join(map(c_text, [*call.labels(), '']))}}};")
    rows = [f'    {{"{c.name}", try_{c.name}, labels_{c.name}, {len(c.bad)}}},' for c in calls]
    parts += ["static const row rows[] = {", *rows, "};", "", "int main(void) { return every(rows, sizeof rows / sizeof *rows); }", ""]
    with open(output, "w") as file:
        file.write("\n".join(parts))


main()
