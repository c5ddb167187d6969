// A small matrix in double precision, and its singular vectors by Jacobi's rotations: slow, and plainly right.
import Tensors

struct Matrix {
  let rows: Int
  let columns: Int
  private let values: [Double]

  init(_ tensor: Tensor) {
    (rows, columns) = (tensor.shape[0], tensor.shape[1])
    values = tensor.floats().map(Double.init)
  }
  subscript(row: Int, column: Int) -> Double { values[row * columns + column] }

  /// √Σ x².
  func norm() -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  /// uᵀ · M.
  func applied(toLeft u: [Double]) -> [Double] {
    (0..<columns).map { column in (0..<rows).reduce(0) { $0 + u[$1] * self[$1, column] } }
  }

  /// The eigenvectors of M·Mᵀ whose eigenvalues are not nothing, with their square roots.
  func leftSingularVectors() -> (vectors: [[Double]], values: [Double]) {
    var a = (0..<rows).map { i in
      (0..<rows).map { j in (0..<columns).reduce(0) { $0 + self[i, $1] * self[j, $1] } }
    }
    var v = (0..<rows).map { i in (0..<rows).map { $0 == i ? 1.0 : 0 } }
    for _ in 0..<30 {
      for p in 0..<rows {
        for q in (p + 1)..<rows where abs(a[p][q]) > 1e-14 { Self.rotate(&a, &v, p, q) }
      }
    }
    let order = (0..<rows).sorted { a[$0][$0] > a[$1][$1] }.prefix(min(rows, columns))
    return (order.map { k in v.map { $0[k] } }, order.map { max(a[$0][$0], 0).squareRoot() })
  }

  /// Makes a[p][q] zero by a rotation of rows and columns p and q (Golub and Van Loan, section 8.5).
  private static func rotate(_ a: inout [[Double]], _ v: inout [[Double]], _ p: Int, _ q: Int) {
    let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
    let t = (theta >= 0 ? 1.0 : -1) / (abs(theta) + (theta * theta + 1).squareRoot())
    let c = 1 / (t * t + 1).squareRoot()
    let s = t * c
    for k in a.indices { (a[k][p], a[k][q]) = (c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]) }
    for k in a.indices { (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]) }
    for k in v.indices { (v[k][p], v[k][q]) = (c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]) }
  }
}
