// What Swift cannot import from <curses.h>: macros, variadics and globals, as inline functions.
#ifndef PACELINE_CNCURSES_SHIM_H
#define PACELINE_CNCURSES_SHIM_H

#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#define _XOPEN_SOURCE_EXTENDED 1
#include <curses.h>

#endif
