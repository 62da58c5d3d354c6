// Pictures as cells and as sixels: what of libchafa is needed, as functions.
#ifndef PACELINE_CCHAFA_SHIM_H
#define PACELINE_CCHAFA_SHIM_H

#include <chafa.h>
#include <stdint.h>

enum {
  cchafa_ascii,
  cchafa_blocks,
  cchafa_half,
  cchafa_quadrants,
  cchafa_braille
};

static inline ChafaSymbolTags cchafa_tags(int symbols) {
  switch (symbols) {
  case cchafa_ascii: return CHAFA_SYMBOL_TAG_ASCII;
  case cchafa_half: return (ChafaSymbolTags)(CHAFA_SYMBOL_TAG_VHALF | CHAFA_SYMBOL_TAG_SPACE |
                                             CHAFA_SYMBOL_TAG_SOLID);
  case cchafa_quadrants: return (ChafaSymbolTags)(CHAFA_SYMBOL_TAG_QUAD | CHAFA_SYMBOL_TAG_HALF |
                                                  CHAFA_SYMBOL_TAG_SPACE | CHAFA_SYMBOL_TAG_SOLID);
  case cchafa_braille: return CHAFA_SYMBOL_TAG_BRAILLE;
  default: return (ChafaSymbolTags)(CHAFA_SYMBOL_TAG_BLOCK | CHAFA_SYMBOL_TAG_BORDER |
                                    CHAFA_SYMBOL_TAG_SPACE | CHAFA_SYMBOL_TAG_SOLID);
  }
}

// Draws `pixels` (RGBA, not multiplied by alpha) on columns x rows cells. Colours are 0xRRGGBB, or
// -1 for the terminal's own. `colors`: 2 (none), 16, 256 or more. `dither`: 0 none, 1 ordered,
// 2 diffusion. `work`: 1 to 9. Returns 0 where there is no memory.
static inline int cchafa_draw(const uint8_t *pixels, int width, int height, int columns, int rows,
                              int symbols, int colors, int dither, int work, int inverts,
                              uint32_t *characters, int32_t *foregrounds, int32_t *backgrounds) {
  ChafaCanvasConfig *config = chafa_canvas_config_new();
  ChafaSymbolMap *map = chafa_symbol_map_new();
  if (!config || !map) return 0;
  chafa_symbol_map_add_by_tags(map, cchafa_tags(symbols));
  chafa_canvas_config_set_symbol_map(config, map);
  chafa_canvas_config_set_geometry(config, columns, rows);
  chafa_canvas_config_set_canvas_mode(
      config, colors <= 2     ? CHAFA_CANVAS_MODE_FGBG
              : colors <= 16  ? CHAFA_CANVAS_MODE_INDEXED_16
              : colors <= 256 ? CHAFA_CANVAS_MODE_INDEXED_240
                              : CHAFA_CANVAS_MODE_TRUECOLOR);
  chafa_canvas_config_set_dither_mode(config, dither == 1   ? CHAFA_DITHER_MODE_ORDERED
                                              : dither == 2 ? CHAFA_DITHER_MODE_DIFFUSION
                                                            : CHAFA_DITHER_MODE_NONE);
  chafa_canvas_config_set_work_factor(config, (float)work / 9.0f);
  chafa_canvas_config_set_transparency_threshold(config, 0.5f);
  chafa_canvas_config_set_preprocessing_enabled(config, colors <= 16);
  chafa_canvas_config_set_fg_color(config, inverts ? 0x000000 : 0xffffff);
  chafa_canvas_config_set_bg_color(config, inverts ? 0xffffff : 0x000000);
  ChafaCanvas *canvas = chafa_canvas_new(config);
  if (canvas) {
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGBA8_UNASSOCIATED, pixels, width, height,
                                 width * 4);
    for (int y = 0; y < rows; y++) {
      for (int x = 0; x < columns; x++) {
        gint foreground = -1, background = -1;
        chafa_canvas_get_colors_at(canvas, x, y, &foreground, &background);
        characters[y * columns + x] = chafa_canvas_get_char_at(canvas, x, y);
        foregrounds[y * columns + x] = foreground;
        backgrounds[y * columns + x] = background;
      }
    }
    chafa_canvas_unref(canvas);
  }
  chafa_symbol_map_unref(map);
  chafa_canvas_config_unref(config);
  return canvas != NULL;
}

// Prints `pixels` (RGBA, not multiplied by alpha) as sixels on columns x rows cells, as one control
// string of `count` bytes. Returns NULL where there is no memory; else cchafa_free frees it.
static inline char *cchafa_sixels(const uint8_t *pixels, int width, int height, int columns, int rows,
                                  int cell_width, int cell_height, long *count) {
  ChafaCanvasConfig *config = chafa_canvas_config_new();
  ChafaTermInfo *terminal = chafa_term_info_new();
  char *text = NULL;
  if (!config || !terminal) return NULL;
  chafa_term_info_set_seq(terminal, CHAFA_TERM_SEQ_BEGIN_SIXELS, "\033P%1;%2;%3q", NULL);
  chafa_term_info_set_seq(terminal, CHAFA_TERM_SEQ_END_SIXELS, "\033\\", NULL);
  chafa_canvas_config_set_pixel_mode(config, CHAFA_PIXEL_MODE_SIXELS);
  chafa_canvas_config_set_canvas_mode(config, CHAFA_CANVAS_MODE_TRUECOLOR);
  chafa_canvas_config_set_geometry(config, columns, rows);
  chafa_canvas_config_set_cell_geometry(config, cell_width, cell_height);
  chafa_canvas_config_set_transparency_threshold(config, 0.5f);
  chafa_canvas_config_set_preprocessing_enabled(config, 0);
  ChafaCanvas *canvas = chafa_canvas_new(config);
  if (canvas) {
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGBA8_UNASSOCIATED, pixels, width, height,
                                 width * 4);
    GString *printed = chafa_canvas_print(canvas, terminal);
    *count = (long)printed->len;
    text = g_string_free(printed, FALSE);
    chafa_canvas_unref(canvas);
  }
  chafa_term_info_unref(terminal);
  chafa_canvas_config_unref(config);
  return text;
}

static inline void cchafa_free(char *text) { g_free(text); }

#endif
