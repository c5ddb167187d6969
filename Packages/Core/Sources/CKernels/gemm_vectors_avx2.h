// The vectors of AVX2 that matrix products are written with: 8 floats, and the first few of them.
// Included inside a region compiled for the instruction set.
#define LANES 8
typedef float vec __attribute__((ext_vector_type(8)));
typedef float loose_vec __attribute__((ext_vector_type(8), aligned(4)));

static inline __m256i first_lanes(ck_size count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vec load_some(const float *p, ck_size count) { return (vec)_mm256_maskload_ps(p, first_lanes(count)); }
static inline void store_some(float *p, vec x, ck_size count) {
  _mm256_maskstore_ps(p, first_lanes(count), (__m256)x);
}
