// What Swift cannot import from <readline/readline.h>, as inline functions.
#ifndef PACELINE_CREADLINE_SHIM_H
#define PACELINE_CREADLINE_SHIM_H

#include <stdio.h>
#include <readline/readline.h>
#include <readline/history.h>

#endif
