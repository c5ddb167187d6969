// How much memory this process has needed.
import CPUBackend
import Foundation
import Tensors

/// The most memory at once so far.
struct PeakMemory {
  /// Physical memory of the whole process in bytes; nil where the system does not tell.
  let resident: Int?
  /// Bytes of tensors in use at once, as the backend's pool counts them; nil for another backend.
  let inUse: Int?

  init(of device: Device) {
    resident = Self.resident
    inUse = (device.backend as? CPUBackend)?.memoryStatistics.peakBytesInUse
  }

  /// Linux's VmHWM. A process starts with its own, while getrusage's ru_maxrss begins at that of whoever started it.
  private static var resident: Int? {
    guard let status = FileManager.default.contents(atPath: "/proc/self/status") else { return nil }
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
  }
}
