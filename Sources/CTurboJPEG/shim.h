#ifndef PACELINE_CTURBOJPEG_SHIM_H
#define PACELINE_CTURBOJPEG_SHIM_H

#include <turbojpeg.h>

#endif
