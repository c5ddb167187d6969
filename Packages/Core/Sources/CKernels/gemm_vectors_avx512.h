// The vectors of AVX-512 that matrix products are written with: 16 floats, and the first few of them.
// Included inside a region compiled for the instruction set.
#define LANES 16
typedef float vec __attribute__((ext_vector_type(16)));
typedef float loose_vec __attribute__((ext_vector_type(16), aligned(4)));

static inline __mmask16 first_lanes(ck_size count) { return (__mmask16)((1u << count) - 1); }
static inline vec load_some(const float *p, ck_size count) {
  return (vec)_mm512_maskz_loadu_ps(first_lanes(count), p);
}
static inline void store_some(float *p, vec x, ck_size count) {
  _mm512_mask_storeu_ps(p, first_lanes(count), (__m512)x);
}
