// What Swift cannot import from <readline/readline.h>: globals and macros, as inline functions.
#ifndef PACELINE_CREADLINE_SHIM_H
#define PACELINE_CREADLINE_SHIM_H

#include <stdio.h>
#include <readline/readline.h>
#include <readline/history.h>

// Everything that must be set before readline starts: it must neither touch the terminal's modes
// nor its size nor any signal, and whatever it prints goes nowhere.
static inline int cr_prepare(const char *name) {
  rl_readline_name = name;
  rl_catch_signals = 0;
  rl_catch_sigwinch = 0;
  rl_change_environment = 0;
  rl_prep_term_function = NULL;
  rl_deprep_term_function = NULL;
  if (rl_outstream == NULL || rl_outstream == stdout) rl_outstream = fopen("/dev/null", "w");
  if (rl_instream == NULL || rl_instream == stdin) rl_instream = fopen("/dev/null", "r");
  rl_completion_query_items = -1;
  return rl_outstream != NULL && rl_instream != NULL;
}

static inline void cr_set_input(rl_getc_func_t *get, rl_hook_func_t *available) {
  rl_getc_function = get;
  rl_input_available_hook = available;
}

static inline void cr_set_redisplay(rl_voidfunc_t *redisplay) { rl_redisplay_function = redisplay; }

static inline void cr_set_completion(rl_completion_func_t *attempt, rl_compdisp_func_t *show) {
  rl_attempted_completion_function = attempt;
  rl_completion_display_matches_hook = show;
}

static inline void cr_end_completion(void) { rl_attempted_completion_over = 1; }
static inline void cr_append_nothing(void) { rl_completion_append_character = '\0'; }

static inline char **cr_complete_file(const char *text) {
  return rl_completion_matches(text, rl_filename_completion_function);
}

static inline const char *cr_prompt(void) { return rl_display_prompt ? rl_display_prompt : ""; }
static inline const char *cr_buffer(void) { return rl_line_buffer ? rl_line_buffer : ""; }
static inline int cr_point(void) { return rl_point; }
static inline int cr_end(void) { return rl_end; }
static inline int cr_mark(void) { return rl_mark; }
static inline void cr_set_point(int point) { rl_point = point; }
static inline void cr_set_mark(int mark) { rl_mark = mark; }
static inline int cr_is_searching(void) { return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH) != 0; }
static inline int cr_is_vi(void) { return rl_editing_mode == 0; }

static inline int cr_is_vi_command(void) {
  return rl_editing_mode == 0 && rl_get_keymap() == rl_get_keymap_by_name("vi-command");
}

// Ends whatever readline is in the middle of: a search, an argument, half a key sequence.
static inline void cr_abandon(void) {
  rl_callback_sigcleanup();
  rl_free_line_state();
}

// Binds a key (its bytes, and the same in inputrc notation) if it still has readline's default.
static inline void cr_replace(
    const char *bytes, const char *notation, rl_command_func_t *from, rl_command_func_t *to,
    const char *map_name) {
  Keymap map = rl_get_keymap_by_name(map_name);
  int type = ISFUNC;
  if (map != NULL && rl_function_of_keyseq(bytes, map, &type) == from && type == ISFUNC)
    rl_bind_keyseq_in_map(notation, to, map);
}

static inline void cr_bind_if_free(const char *notation, rl_command_func_t *to, const char *map_name) {
  Keymap map = rl_get_keymap_by_name(map_name);
  if (map != NULL) rl_bind_keyseq_if_unbound_in_map(notation, to, map);
}

static inline void cr_prepare_history(void) {
  history_comment_char = '#';
  history_write_timestamps = 1;
  history_multiline_entries = 1;
}

static inline void cr_reset_history(void) { using_history(); }

static inline int cr_history_length(void) { return history_length; }

// The newest entry, or NULL.
static inline const char *cr_last_entry(void) {
  HIST_ENTRY *entry = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
  return entry ? entry->line : NULL;
}

#endif
