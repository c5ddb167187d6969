// How much memory weights may take, and what is left in the file when it is not enough.
import ArgumentParser
import CPUBackend
import Foundation
import LanguageModels

/// A number of bytes as an argument: 12G, 800M, 65536. K, M, G and T are powers of 1024.
struct MemorySize: ExpressibleByArgument {
  let bytes: Int
  init?(argument: String) {
    let text = argument.uppercased()
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), number > 0,
      let power = ["", "K", "M", "G", "T"].firstIndex(of: String(text.dropFirst(digits.count)))
    else { return nil }
    let (bytes, overflows) = number.multipliedReportingOverflow(by: 1 << (10 * power))
    guard !overflows else { return nil }
    self.bytes = bytes
  }
}

/// Bytes that this process can use without pushing anything out.
struct MemoryBudget {
  /// Nil where the system does not tell.
  let bytes: Int?

  /// `size`, or what the system has available and the control group of this process allows.
  init(_ size: MemorySize? = nil) {
    bytes = size?.bytes ?? [Self.available, Self.groupLimit].compactMap { $0 }.min()
  }

  /// None where the weights fit. Otherwise three fifths may be packed, what every token reads first; the rest is left to
  /// the system for pages of the file, which it takes back when it needs them.
  func packingLimit(for directory: ModelDirectory) throws -> PackingLimit {
    guard let bytes else { return .none }
    let stored = try directory.weightFiles().reduce(0) { sum, path in
      sum + ((try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0)
    }
    // A few forms of blocks take more packed than in the file; attention and the passage of numbers need the rest.
    if stored <= bytes / 5 * 4 { return .none }
    let (all, experts) = try directory.weightBytes()
    let packed = bytes / 5 * 3
    return PackingLimit(bytes: packed, expertBytes: max(0, packed - (all - experts)))
  }

  private static var available: Int? {
    let text = read("/proc/meminfo") ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
  }

  /// The least limit among the control groups around this process, of version 2 or 1.
  private static var groupLimit: Int? {
    let groups = (read("/proc/self/cgroup") ?? "").split(separator: "\n").compactMap { line -> (String, String)? in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      if parts[1].isEmpty { return ("/sys/fs/cgroup", String(parts[2])) }
      return parts[1].split(separator: ",").contains("memory") ? ("/sys/fs/cgroup/memory", String(parts[2])) : nil
    }
    let limits = groups.flatMap { root, path in
      let names = path.split(separator: "/")
      return (0...names.count).flatMap { count in
        let place = ([root] + names.prefix(count).map(String.init)).joined(separator: "/")
        return ["memory.max", "memory.limit_in_bytes"].compactMap { file in
          read("\(place)/\(file)").flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        }
      }
    }
    return limits.min()
  }

  private static func read(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }
}
