// Element kernels at every length and misalignment, the accuracy of the functions among them, and the law that lets
// work be cut anywhere.
import CKernels
import Foundation
import Tensors
import Testing

@Suite struct KernelSweepTests {
  @Test func binaryKernels() {
    for op in [CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE, CK_MAXIMUM] {
      sweepKernel("binary \(op.rawValue)", tolerance: 0) { rows, y, n, offset in
        let (a, b) = (Floats(numbers(n, seed: 1), offset: offset), Floats(numbers(n, seed: 2), offset: offset + 1))
        rows.binary(op, y, a.pointer, b.pointer, n)
      }
      sweepKernel("binary scalar \(op.rawValue)", tolerance: 0) { rows, y, n, offset in
        let a = Floats(numbers(n, seed: 1), offset: offset)
        rows.binary_scalar(op, y, a.pointer, 0.7, n)
      }
    }
  }

  @Test func unaryKernels() {
    for op in [CK_NEGATE, CK_EXP, CK_LOG, CK_SQRT, CK_RECIPROCAL, CK_SIGMOID, CK_TANH, CK_SIN, CK_COS] {
      sweepKernel("unary \(op.rawValue)", tolerance: 1e-6) { rows, y, n, offset in
        let x = Floats(numbers(n, seed: 3).map { abs($0) + 0.1 }, offset: offset)
        rows.unary(op, y, x.pointer, n)
      }
    }
  }

  @Test func functionsAreWithinTwoUnitsInTheLastPlace() {
    let functions: [(ck_unary, String, (Double) -> Double, Float)] = [
      (CK_EXP, "exp", { exp($0) }, 85), (CK_SIGMOID, "sigmoid", { 1 / (1 + exp(-$0)) }, 80),
      (CK_TANH, "tanh", { tanh($0) }, 10), (CK_SIN, "sin", { sin($0) }, 5000), (CK_COS, "cos", { cos($0) }, 5000),
      (CK_LOG, "log", { log($0) }, 1e6),
    ]
    let grid = (-4000...4000).map { Float($0) / 4000 }
    for (op, name, exact, reach) in functions {
      let x = Floats((grid.map { $0 * reach } + grid.map { $0 * 0.01 }).filter { op != CK_LOG || $0 > 0 })
      for (set, table) in availableKernels() {
        let y = Floats(count: x.count)
        table.rows.pointee.unary(op, y.pointer, x.pointer, x.count)
        let errors = zip(x.values, y.values).map { x, y in
          let exact = exact(Double(x))
          return (abs(Double(y) - exact) / Double(Float(exact).ulp), x)
        }
        let worst = errors.max { $0.0 < $1.0 }!
        #expect(worst.0 <= 2, "\(set) \(name)(\(worst.1)) is \(worst.0) units off")
      }
    }
  }

  @Test func exponentialsOfExtremeNumbersAreTheirLimits() {
    let x = Floats([-.infinity, -1000, -150, 0, 150, 1000, .infinity, .nan])
    let limits: [(ck_unary, [Float])] = [
      (CK_EXP, [0, 0, 0, 1, .infinity, .infinity, .infinity, .nan]), (CK_SIGMOID, [0, 0, 0, 0.5, 1, 1, 1, .nan]),
      (CK_TANH, [-1, -1, -1, 0, 1, 1, 1, .nan]),
    ]
    for (op, expected) in limits {
      for (set, table) in availableKernels() {
        let y = Floats(count: 8)
        table.rows.pointee.unary(op, y.pointer, x.pointer, 8)
        #expect(distance(y.values, expected) <= 1e-30, "\(set) \(op.rawValue): \(y.values)")
      }
    }
  }

  /// What splitting work over threads relies on: a part of a range gives the same bits as the whole.
  @Test func partsOfARangeGiveTheBitsOfTheWhole() {
    let n = 77
    let (x, b) = (Floats(numbers(n, seed: 9)), Floats(numbers(n, seed: 10)))
    for (set, table) in availableKernels() {
      let rows = table.rows.pointee
      let kernels: [(String, (UnsafeMutablePointer<Float>, Int, Int) -> Void)] =
        [
          ("axpy", { rows.axpy($0, x.pointer + $1, 0.3, $2) }),
          ("multiply", { rows.binary(CK_MULTIPLY, $0, x.pointer + $1, b.pointer + $1, $2) }),
          ("swiglu", { rows.swiglu($0, x.pointer + $1, b.pointer + $1, $2, 1, $2) }),
          (
            "adamw",
            { y, i, n in
              let (m, v) = (Floats(Array(b.values[i..<i + n])), Floats(b.values[i..<i + n].map { $0 * $0 }))
              rows.adamw(y, m.pointer, v.pointer, x.pointer + i, 0.5, 0.1, 0.9, 0.99, 1e-8, 0.1, 0.2, 0.3, n)
            }
          ),
        ]
        + [CK_EXP, CK_LOG, CK_SIGMOID, CK_TANH, CK_SIN, CK_COS].map { op in
          ("unary \(op.rawValue)", { rows.unary(op, $0, x.pointer + $1, $2) })
        }
      for (name, kernel) in kernels {
        let whole = Floats([Float](repeating: 0.25, count: n))
        kernel(whole.pointer, 0, n)
        for (start, count) in [(0, 1), (1, 1), (3, 7), (5, 16), (9, 33), (76, 1), (60, 17)] {
          let part = Floats([Float](repeating: 0.25, count: count))
          kernel(part.pointer, start, count)
          let same = zip(part.values, whole.values[start..<start + count]).allSatisfy {
            $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN)
          }
          #expect(same, "\(set) \(name) of \(start)..<\(start + count)")
        }
      }
    }
  }
}
