// The extent of each axis of a tensor.

/// The extent of each axis, outermost first. A scalar has no axes and one element.
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
  public let extents: [Int]
  public init(_ extents: [Int]) {
    precondition(extents.allSatisfy { $0 >= 0 }, "Shape: \(extents) has a negative extent")
    self.extents = extents
  }
  public init(arrayLiteral elements: Int...) { self.init(elements) }
  /// The number of elements.
  public var count: Int { extents.reduce(1, *) }
  public var rank: Int { extents.count }
  /// The extent of an axis; negative axes count from the last.
  public subscript(axis: Int) -> Int { extents[axis < 0 ? rank + axis : axis] }
  public var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }
  /// Elements between neighbours along each axis, for the row-major layout that every tensor has.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) { strides[axis] = strides[axis + 1] * extents[axis + 1] }
    return strides
  }
  /// The same shape with one axis changed.
  public func replacing(_ axis: Int, with extent: Int) -> Shape {
    var copy = extents
    copy[axis] = extent
    return Shape(copy)
  }
}
