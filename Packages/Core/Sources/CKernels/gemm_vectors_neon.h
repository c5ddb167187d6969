// The vectors of NEON that matrix products are written with: 4 floats, and the first few of them.
// Included inside a region compiled for the instruction set.
#define LANES 4
typedef float vec __attribute__((ext_vector_type(4)));
typedef float loose_vec __attribute__((ext_vector_type(4), aligned(4)));

static inline vec load_some(const float *p, ck_size count) {
  vec x = (vec)(0.0f);
  x[0] = p[0];
  if (count > 1) x[1] = p[1];
  if (count > 2) x[2] = p[2];
  if (count > 3) x[3] = p[3];
  return x;
}
static inline void store_some(float *p, vec x, ck_size count) {
  p[0] = x[0];
  if (count > 1) p[1] = x[1];
  if (count > 2) p[2] = x[2];
  if (count > 3) p[3] = x[3];
}
