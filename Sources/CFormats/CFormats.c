#include "CFormats.h"

#include <dlfcn.h>

typedef struct VipsImage VipsImage;

// Values of libvips' enumerations.
enum { FormatByte = 0, FormatShort = 2 };
enum { Grey = 1, CMYK = 15, SRGB = 22, RGB16 = 25, Grey16 = 26 };
enum { FailOnError = 2, KeepNothing = 0, Lanczos3 = 5 };

struct CFormatsVips {
  int (*init)(const char *);
  void (*set_concurrency)(int);
  void (*set_cache)(int);
  void (*set_log_handler)(void (*)(const char *, int, const char *, void *), void *);
  VipsImage *(*from_memory)(const void *, size_t, int, int, int, int);
  void *(*to_memory)(VipsImage *, size_t *);
  int (*width)(const VipsImage *);
  int (*height)(const VipsImage *);
  int (*bands)(const VipsImage *);
  int (*format)(const VipsImage *);
  int (*interpretation)(const VipsImage *);
  int (*has_alpha)(VipsImage *);
  int (*load_png)(const void *, size_t, VipsImage **, ...);
  int (*load_jpeg)(const void *, size_t, VipsImage **, ...);
  int (*save_png)(VipsImage *, void **, size_t *, ...);
  int (*save_jpeg)(VipsImage *, void **, size_t *, ...);
  int (*copy)(VipsImage *, VipsImage **, ...);
  int (*colourspace)(VipsImage *, VipsImage **, int, ...);
  int (*resize)(VipsImage *, VipsImage **, double, ...);
  int (*premultiply)(VipsImage *, VipsImage **, ...);
  int (*unpremultiply)(VipsImage *, VipsImage **, ...);
  int (*cast)(VipsImage *, VipsImage **, int, ...);
  void (*error)(const char *, const char *, ...);
  char *(*error_copy)(void);
  void (*unref)(void *);
  void (*free)(void *);
};

// libvips reports through its return values; what it would print besides is dropped.
static void drop_log(const char *domain, int level, const char *message, void *data) {
  (void)domain, (void)level, (void)message, (void)data;
}

const CFormatsVips *cformats_vips_open(void *library, const char **reason) {
  static CFormatsVips vips;
  const struct {
    const char *name;
    void *place;
  } symbols[] = {
    {"vips_init", &vips.init},
    {"vips_concurrency_set", &vips.set_concurrency},
    {"vips_cache_set_max", &vips.set_cache},
    {"g_log_set_default_handler", &vips.set_log_handler},
    {"vips_image_new_from_memory", &vips.from_memory},
    {"vips_image_write_to_memory", &vips.to_memory},
    {"vips_image_get_width", &vips.width},
    {"vips_image_get_height", &vips.height},
    {"vips_image_get_bands", &vips.bands},
    {"vips_image_get_format", &vips.format},
    {"vips_image_get_interpretation", &vips.interpretation},
    {"vips_image_hasalpha", &vips.has_alpha},
    {"vips_pngload_buffer", &vips.load_png},
    {"vips_jpegload_buffer", &vips.load_jpeg},
    {"vips_pngsave_buffer", &vips.save_png},
    {"vips_jpegsave_buffer", &vips.save_jpeg},
    {"vips_copy", &vips.copy},
    {"vips_colourspace", &vips.colourspace},
    {"vips_resize", &vips.resize},
    {"vips_premultiply", &vips.premultiply},
    {"vips_unpremultiply", &vips.unpremultiply},
    {"vips_cast", &vips.cast},
    {"vips_error", &vips.error},
    {"vips_error_buffer_copy", &vips.error_copy},
    {"g_object_unref", &vips.unref},
    {"g_free", &vips.free},
  };
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    void *address = dlsym(library, symbols[i].name);
    if (!address) {
      *reason = symbols[i].name;
      return NULL;
    }
    *(void **)symbols[i].place = address;
  }
  vips.set_log_handler(drop_log, NULL);
  if (vips.init("pinion")) {
    *reason = "it doesn't start";
    return NULL;
  }
  // Callers bring their own threads. The cache would keep images whose pixels the caller has freed.
  vips.set_concurrency(1);
  vips.set_cache(0);
  return &vips;
}

// Takes the place of `*image`, whose reference is given up.
static void replace(const CFormatsVips *vips, VipsImage **image, VipsImage *next) {
  vips->unref(*image);
  *image = next;
}

// The samples as bytes; gives `image` up.
static int finish(const CFormatsVips *vips, VipsImage *image, void **pixels) {
  size_t size = 0;
  *pixels = vips->to_memory(image, &size);
  vips->unref(image);
  return *pixels ? 0 : -1;
}

int cformats_vips_decode(
  const CFormatsVips *vips, CFormatsCodec codec, const void *data, size_t size, int64_t pixel_limit,
  CFormatsPicture *picture, void **pixels) {
  VipsImage *image = NULL;
  VipsImage *next = NULL;
  int failed = codec == CFormatsPNG ? vips->load_png(data, size, &image, "fail_on", FailOnError, NULL)
                                    : vips->load_jpeg(data, size, &image, "fail_on", FailOnError, "autorotate", 1, NULL);
  if (failed) return -1;
  int64_t width = vips->width(image);
  int64_t height = vips->height(image);
  if (width * height > pixel_limit) {
    vips->error("size", "%d x %d pixels, at most %lld are read", (int)width, (int)height, (long long)pixel_limit);
    vips->unref(image);
    return -1;
  }
  if (vips->interpretation(image) == CMYK) {
    if (vips->colourspace(image, &next, SRGB, NULL)) {
      vips->unref(image);
      return -1;
    }
    replace(vips, &image, next);
  }
  int format = vips->format(image);
  int channels = vips->bands(image);
  if ((format != FormatByte && format != FormatShort) || channels < 1 || channels > 4) {
    vips->error("format", "%d channels of kind %d aren't supported", channels, format);
    vips->unref(image);
    return -1;
  }
  *picture = (CFormatsPicture){(int32_t)width, (int32_t)height, channels, format == FormatByte ? 1 : 2};
  return finish(vips, image, pixels);
}

// The picture as an image that borrows the pixels.
static VipsImage *borrow(const CFormatsVips *vips, const CFormatsPicture *picture, const void *pixels) {
  int wide = picture->sample_bytes == 2;
  size_t size = (size_t)picture->width * picture->height * picture->channels * picture->sample_bytes;
  VipsImage *image = vips->from_memory(
    pixels, size, picture->width, picture->height, picture->channels, wide ? FormatShort : FormatByte);
  VipsImage *next = NULL;
  if (!image) return NULL;
  int grey = picture->channels < 3;
  int interpretation = grey ? (wide ? Grey16 : Grey) : (wide ? RGB16 : SRGB);
  if (vips->copy(image, &next, "interpretation", interpretation, NULL)) next = NULL;
  vips->unref(image);
  return next;
}

int cformats_vips_encode(
  const CFormatsVips *vips, CFormatsCodec codec, const CFormatsPicture *picture, const void *pixels, int32_t quality,
  int32_t interlaced, void **data, size_t *size) {
  VipsImage *image = borrow(vips, picture, pixels);
  if (!image) return -1;
  int result =
    codec == CFormatsPNG
      ? vips->save_png(image, data, size, "interlace", interlaced, "keep", KeepNothing, NULL)
      : vips->save_jpeg(image, data, size, "Q", quality, "interlace", interlaced, "keep", KeepNothing, NULL);
  vips->unref(image);
  return result;
}

int cformats_vips_resize(
  const CFormatsVips *vips, const CFormatsPicture *picture, const void *pixels, int32_t width, int32_t height,
  void **result) {
  VipsImage *image = borrow(vips, picture, pixels);
  VipsImage *next = NULL;
  if (!image) return -1;
  // Colour weighs by opacity, or else what is invisible bleeds into the edges.
  int alpha = vips->has_alpha(image);
  if (alpha) {
    if (vips->premultiply(image, &next, NULL)) goto failed;
    replace(vips, &image, next);
  }
  double across = (double)width / picture->width;
  double down = (double)height / picture->height;
  if (vips->resize(image, &next, across, "vscale", down, "kernel", Lanczos3, NULL)) goto failed;
  replace(vips, &image, next);
  if (alpha) {
    if (vips->unpremultiply(image, &next, NULL)) goto failed;
    replace(vips, &image, next);
    if (vips->cast(image, &next, picture->sample_bytes == 2 ? FormatShort : FormatByte, NULL)) goto failed;
    replace(vips, &image, next);
  }
  if (vips->width(image) != width || vips->height(image) != height) {
    vips->error("resize", "the result is %d x %d", vips->width(image), vips->height(image));
    goto failed;
  }
  return finish(vips, image, result);
failed:
  vips->unref(image);
  return -1;
}

char *cformats_vips_error(const CFormatsVips *vips) { return vips->error_copy(); }

void cformats_vips_free(const CFormatsVips *vips, void *memory) { vips->free(memory); }
