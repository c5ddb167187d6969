// The nearest semi-orthogonal matrix, by five Newton–Schulz steps.
import Tensors

/// Makes every matrix orthogonal up to the iteration's tolerance; matrices of one shape run as one batch.
func orthogonalized(_ matrices: [(String, Tensor)]) -> [String: Tensor] {
  var byShape: [Shape: [(String, Tensor)]] = [:]
  for (name, matrix) in matrices { byShape[matrix.shape, default: []].append((name, matrix)) }
  var result: [String: Tensor] = [:]
  for (shape, group) in byShape {
    let stacked = Tensor.concatenated(group.map { $0.1.reshaped([1, shape[0], shape[1]]) }, axis: 0)
    let turned = shape[0] > shape[1] ? stacked.transposed : stacked
    let orthogonal = newtonSchulz(turned)
    let back = shape[0] > shape[1] ? orthogonal.transposed : orthogonal
    for (index, (name, _)) in group.enumerated() {
      result[name] = back.slice(index..<index + 1, axis: 0).reshaped(shape)
    }
  }
  return result
}

/// X ← aX + (bA + cA²)X with A = XXᵀ, for a batch [N, r, c] with r ≤ c. The coefficients raise small singular values
/// fastest; the result's lie between about 0.7 and 1.2.
func newtonSchulz(_ batch: Tensor, steps: Int = 5) -> Tensor {
  let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)
  let flat = batch.reshaped([batch.shape[0], batch.shape[1] * batch.shape[2]])
  let norms = (flat * flat).sum(axis: 1).sqrt() + 1e-7
  var x = (flat / norms.broadcast(to: flat.shape)).reshaped(batch.shape)
  for _ in 0..<steps {
    let gram = x.matmul(x.transposed)
    let polynomial = gram * b + gram.matmul(gram) * c
    x = x * a + polynomial.matmul(x)
  }
  return x
}
