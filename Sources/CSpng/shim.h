// What of libspng is needed, as plain functions: PNG in memory to pixels and back, with text chunks.
#ifndef PACELINE_CSPNG_SHIM_H
#define PACELINE_CSPNG_SHIM_H

#include <spng.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Opens a file in memory; NULL where there is no memory. Chunks of unknown kinds are skipped, and
// none may take more than `chunk_limit` bytes.
static inline spng_ctx *cspng_open(const void *bytes, size_t count, uint32_t side_limit,
                                   size_t chunk_limit) {
  spng_ctx *context = spng_ctx_new(0);
  if (!context) return NULL;
  spng_set_crc_action(context, SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
  spng_set_image_limits(context, side_limit, side_limit);
  spng_set_chunk_limits(context, chunk_limit, 4 * chunk_limit);
  if (spng_set_png_buffer(context, bytes, count)) {
    spng_ctx_free(context);
    return NULL;
  }
  return context;
}

// 0, or an error's number.
static inline int cspng_size(spng_ctx *context, uint32_t *width, uint32_t *height) {
  struct spng_ihdr header;
  int error = spng_get_ihdr(context, &header);
  if (!error) {
    *width = header.width;
    *height = header.height;
  }
  return error;
}

static inline int cspng_read(spng_ctx *context, uint8_t *pixels, size_t count) {
  return spng_decode_image(context, pixels, count, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS);
}

// Text chunks: how many there are; none where they cannot be read.
static inline uint32_t cspng_text_count(spng_ctx *context) {
  uint32_t count = 0;
  return spng_get_text(context, NULL, &count) ? 0 : count;
}

// Key and text of a chunk, which live as long as the context; 0 where there is none.
static inline int cspng_text(spng_ctx *context, uint32_t index, const char **key,
                             const char **text, size_t *length) {
  uint32_t count = cspng_text_count(context);
  if (index >= count) return 0;
  struct spng_text *all = (struct spng_text *)calloc(count, sizeof *all);
  if (!all) return 0;
  int found = spng_get_text(context, all, &count) == 0;
  static __thread char keyword[80];
  if (found) {
    memcpy(keyword, all[index].keyword, sizeof keyword);
    keyword[79] = 0;
    *key = keyword;
    *text = all[index].text;
    *length = all[index].length;
  }
  free(all);
  return found;
}

// A PNG of 8-bit RGBA with international text chunks; free() what comes back. NULL: `error` says why.
// `texts` are `count` keys and texts in turn, each ended by a zero.
static inline void *cspng_write(const uint8_t *pixels, uint32_t width, uint32_t height,
                                const char *texts, uint32_t count, size_t *size, int *error) {
  *error = SPNG_EMEM;
  void *bytes = NULL;
  spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
  struct spng_text *chunks = (struct spng_text *)calloc(count ? count : 1, sizeof *chunks);
  if (context && chunks) {
    static char empty[1] = "";
    for (uint32_t i = 0; i < count; i++) {
      strncpy(chunks[i].keyword, texts, sizeof chunks[i].keyword - 1);
      texts += strlen(texts) + 1;
      chunks[i].type = SPNG_ITXT;
      chunks[i].text = (char *)texts;
      chunks[i].length = strlen(texts);
      texts += strlen(texts) + 1;
      chunks[i].language_tag = empty;
      chunks[i].translated_keyword = empty;
    }
    struct spng_ihdr header = {width, height, 8, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 0, 0, 0};
    *error = spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
    if (!*error) *error = spng_set_ihdr(context, &header);
    if (!*error && count) *error = spng_set_text(context, chunks, count);
    if (!*error) {
      *error = spng_encode_image(context, pixels, (size_t)width * height * 4, SPNG_FMT_PNG,
                                 SPNG_ENCODE_FINALIZE);
    }
    if (!*error) bytes = spng_get_png_buffer(context, size, error);
  }
  free(chunks);
  spng_ctx_free(context);
  return bytes;
}

#endif
