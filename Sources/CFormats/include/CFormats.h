// C declarations of the two libraries that Formats opens at run time: zlib and libvips.
#pragma once

#include <stddef.h>
#include <stdint.h>

// The state of a zlib stream, as zlib's binary interface has it on 64-bit systems.
typedef struct {
  const uint8_t *next_in;
  uint32_t avail_in;
  unsigned long total_in;
  uint8_t *next_out;
  uint32_t avail_out;
  unsigned long total_out;
  const char *msg;
  void *state;
  void *zalloc;
  void *zfree;
  void *opaque;
  int32_t data_type;
  unsigned long adler;
  unsigned long reserved;
} CFormatsZStream;

// Functions of libvips, of which many are variadic and can't be called from Swift.
typedef struct CFormatsVips CFormatsVips;

// A picture in memory: samples of 1 or 2 bytes, interleaved, row-major.
typedef struct {
  int32_t width;
  int32_t height;
  int32_t channels;
  int32_t sample_bytes;
} CFormatsPicture;

typedef enum { CFormatsPNG = 0, CFormatsJPEG = 1 } CFormatsCodec;

// Finds the functions in an open library and starts it. NULL where one is missing or the start fails; `reason` says why.
const CFormatsVips *cformats_vips_open(void *library, const char **reason);

// Functions that return 0 for success; `cformats_vips_error` tells the reason otherwise. Memory that they hand out
// belongs to the caller, who returns it to `cformats_vips_free`.

// Decodes a PNG or JPEG of at most `pixel_limit` pixels to 8 or 16 bits and 1 to 4 channels; turns JPEGs upright.
int cformats_vips_decode(
  const CFormatsVips *vips, CFormatsCodec codec, const void *data, size_t size, int64_t pixel_limit,
  CFormatsPicture *picture, void **pixels);

// Encodes a picture. `quality` is 1...100 and for JPEG only.
int cformats_vips_encode(
  const CFormatsVips *vips, CFormatsCodec codec, const CFormatsPicture *picture, const void *pixels, int32_t quality,
  int32_t interlaced, void **data, size_t *size);

// Resizes a picture to `width` times `height` with the Lanczos kernel (three lobes), alpha apart from colour.
int cformats_vips_resize(
  const CFormatsVips *vips, const CFormatsPicture *picture, const void *pixels, int32_t width, int32_t height,
  void **result);

// The reason of the last failure, forgotten by this call; to be freed.
char *cformats_vips_error(const CFormatsVips *vips);

void cformats_vips_free(const CFormatsVips *vips, void *memory);
