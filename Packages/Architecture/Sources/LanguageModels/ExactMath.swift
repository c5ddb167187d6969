// The one function that sampling needs from the C library.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

enum ExactMath {
  static func exp(_ x: Float) -> Float { expf(x) }
}
