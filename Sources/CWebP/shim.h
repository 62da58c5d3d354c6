#ifndef PACELINE_CWEBP_SHIM_H
#define PACELINE_CWEBP_SHIM_H

#include <webp/decode.h>

#endif
