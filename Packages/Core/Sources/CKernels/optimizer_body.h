// AdamW over LANES at a time. Written without fused multiply-adds, so that every instruction set takes the same step
// bit for bit and a run may be resumed on another processor; memory, not arithmetic, sets its speed.
#include "lanes.h"

// Decoupled weight decay (Loshchilov & Hutter 2019), in the order of torch.optim.AdamW: decay, then the step.
static void adamw(float *w, float *m, float *v, const float *g, float scale, float learning_rate, float beta1,
                  float beta2, float epsilon, float weight_decay, float correction1, float correction2,
                  ck_size count) {
  const lanes decay = splat(learning_rate * weight_decay), step = splat(learning_rate / correction1);
  const lanes keep1 = splat(beta1), take1 = splat(1 - beta1), keep2 = splat(beta2), take2 = splat(1 - beta2);
  EACH_STEP(count, {
    const lanes gradient = splat(scale) * load(g + i, n), weight = load(w + i, n);
    const lanes mean = keep1 * load(m + i, n) + take1 * gradient;
    const lanes square = keep2 * load(v + i, n) + take2 * gradient * gradient;
    const lanes root = __builtin_elementwise_sqrt(square / splat(correction2)) + splat(epsilon);
    store(m + i, mean, n);
    store(v + i, square, n);
    store(w + i, (weight - decay * weight) - step * mean / root, n);
  });
}

// The same with moments that are stored in bfloat16: they take part in the step before they are rounded.
static void adamw_bf16(float *w, uint16_t *m, uint16_t *v, const float *g, float scale, float learning_rate,
                       float beta1, float beta2, float epsilon, float weight_decay, float correction1,
                       float correction2, ck_size count) {
  const lanes decay = splat(learning_rate * weight_decay), step = splat(learning_rate / correction1);
  const lanes keep1 = splat(beta1), take1 = splat(1 - beta1), keep2 = splat(beta2), take2 = splat(1 - beta2);
  EACH_STEP(count, {
    const lanes gradient = splat(scale) * load(g + i, n), weight = load(w + i, n);
    const lanes mean = keep1 * lanes_of_bf16(load_u16(m + i, n)) + take1 * gradient;
    const lanes square = keep2 * lanes_of_bf16(load_u16(v + i, n)) + take2 * gradient * gradient;
    const lanes root = __builtin_elementwise_sqrt(square / splat(correction2)) + splat(epsilon);
    store_u16(m + i, bf16_of(mean), n);
    store_u16(v + i, bf16_of(square), n);
    store(w + i, (weight - decay * weight) - step * mean / root, n);
  });
}
