// What Swift cannot import from <curses.h>: macros, variadics and globals, as inline functions.
#ifndef PACELINE_CNCURSES_SHIM_H
#define PACELINE_CNCURSES_SHIM_H

#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#define _XOPEN_SOURCE_EXTENDED 1
#include <curses.h>
#include <stdint.h>
#include <wchar.h>

// The part of <term.h> that is needed. The header itself defines macros such as `lines`, and would
// make this module a second owner of the system's termios.
struct term;
extern struct term *cur_term;
extern int setupterm(const char *name, int descriptor, int *status);
extern struct term *set_curterm(struct term *terminal);
extern int del_curterm(struct term *terminal);

// wcwidth is XSI, which the system headers of another importer may have switched off.
extern int wcwidth(wchar_t character);

enum { cn_bold = 1, cn_dim = 2, cn_italic = 4, cn_underline = 8, cn_reverse = 16 };

static inline int cn_lines(void) { return LINES; }
static inline int cn_columns(void) { return COLS; }
static inline int cn_colors(void) { return COLORS; }
static inline int cn_pairs(void) { return COLOR_PAIRS; }

// Whether terminfo has an entry for the name: 1 usable, 0 missing, -1 no database, -2 hard copy.
// Leaves no terminal behind.
static inline int cn_terminal_status(const char *name, int descriptor) {
  struct term *earlier = set_curterm(NULL);
  int status = 0;
  int found = setupterm(name, descriptor, &status) == OK;
  if (cur_term != NULL) {
    struct term *probed = set_curterm(NULL);
    del_curterm(probed);
  }
  set_curterm(earlier);
  return found ? 1 : status == 1 ? -2 : status;
}

// The terminal that terminfo calls refer to: other libraries change it behind ncurses' back.
static inline void *cn_current_terminal(void) { return cur_term; }
static inline void cn_set_current_terminal(void *terminal) { set_curterm((struct term *)terminal); }

static inline int cn_number(const char *name) { return tigetnum(name); }
static inline int cn_flag(const char *name) { return tigetflag(name); }

// A string capability, or NULL.
static inline const char *cn_string(const char *name) {
  const char *value = tigetstr(name);
  return value == (const char *)-1 ? NULL : value;
}

// Puts one cluster of the expected columns; 0 when done, 1 when the C library knows another width
// or none for it, so that painting it would shift the rest of the row.
static inline int cn_put(int y, int x, const uint32_t *scalars, int count, int columns, int style, int pair) {
  wchar_t text[CCHARW_MAX + 1];
  int size = 0;
  for (int i = 0; i < count && size < CCHARW_MAX; i++) {
    int width = wcwidth((wchar_t)scalars[i]);
    if (i == 0 ? width != columns : width != 0) {
      if (i == 0) return 1;
      continue;
    }
    text[size++] = (wchar_t)scalars[i];
  }
  text[size] = 0;
  attr_t attributes = WA_NORMAL;
  if (style & cn_bold) attributes |= WA_BOLD;
  if (style & cn_dim) attributes |= WA_DIM;
  if (style & cn_italic) attributes |= WA_ITALIC;
  if (style & cn_underline) attributes |= WA_UNDERLINE;
  if (style & cn_reverse) attributes |= WA_REVERSE;
  cchar_t cell;
  if (setcchar(&cell, text, attributes, (short)(pair > 32767 ? 32767 : pair), &pair) == ERR) return 1;
  if (mvwadd_wchnstr(stdscr, y, x, &cell, 1) == ERR) return 1;
  return 0;
}

static inline int cn_put_one(int y, int x, uint32_t scalar, int columns, int style, int pair) {
  return cn_put(y, x, &scalar, 1, columns, style, pair);
}

static inline void cn_move(int y, int x) { wmove(stdscr, y, x); }

// Sends the difference to what the terminal shows.
static inline void cn_update(void) {
  wnoutrefresh(stdscr);
  doupdate();
}

// Makes the next update paint everything.
static inline void cn_repaint(void) {
  clearok(curscr, TRUE);
  touchwin(stdscr);
}

static inline void cn_prepare_window(void) {
  typeahead(-1);
  leaveok(stdscr, FALSE);
  scrollok(stdscr, FALSE);
  idlok(stdscr, FALSE);
}

#endif
