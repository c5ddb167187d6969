// What can be known about this machine without changing it.
import CPUBackend
import Foundation

/// The machine that this process runs on.
struct Machine {
  let runs: RunsDirectory

  var findings: [Finding] { [processor, memory] + libraries + [runsDirectory, torch] }

  private var processor: Finding {
    let sets = InstructionSet.allCases.filter(\.isAvailable).map(\.rawValue)
    let (best, cores) = (InstructionSet.best, ProcessInfo.processInfo.activeProcessorCount)
    let advice = best == .scalar ? "; AVX2, AVX-512 or NEON would be many times faster" : ""
    return Finding(
      grade: best == .scalar ? .optional : .fine,
      sentence:
        "This process may use \(cores) processor core\(cores == 1 ? "" : "s"); kernels run with \(best.rawValue) "
        + "(available: \(sets.joined(separator: ", ")))\(advice).")
  }

  private var memory: Finding {
    let facts = Self.memoryFacts()
    let total = facts["MemTotal"] ?? Int(clamping: ProcessInfo.processInfo.physicalMemory)
    let free = facts["MemAvailable"].map { ", \(Figures.bytes($0)) of it available" } ?? ""
    let isEnough = total >= 1_000_000_000
    return Finding(
      grade: isEnough ? .fine : .missing,
      sentence: "There are \(Figures.bytes(total)) of memory\(free)\(isEnough ? "" : "; training needs at least 1 GB")."
    )
  }

  private var libraries: [Finding] {
    [
      LoadedLibrary("OpenBLAS", version: "openblas_get_config", package: "libopenblas-dev"),
      LoadedLibrary("SQLite", version: "sqlite3_libversion", package: "libsqlite3-dev"),
      LoadedLibrary("OpenSSL", version: "OpenSSL_version", package: "libssl-dev"),
      // 11 is PCRE2_CONFIG_VERSION.
      LoadedLibrary("PCRE2", filledBy: "pcre2_config_8", 11, package: "libpcre2-dev"),
    ].map(\.finding)
  }

  private var runsDirectory: Finding {
    var place = URL(fileURLWithPath: runs.path)
    while !FileManager.default.fileExists(atPath: place.path), place.path != "/" { place.deleteLastPathComponent() }
    guard access(place.path, W_OK | X_OK) == 0 else {
      return Finding(
        grade: .missing,
        sentence:
          "Runs cannot be written to \(runs.path): \(place.path) is not writable; name another place with --runs.")
    }
    let facts = try? FileManager.default.attributesOfFileSystem(forPath: place.path)
    guard let free = (facts?[.systemFreeSize] as? NSNumber)?.intValue else {
      return Finding(grade: .fine, sentence: "Runs are kept in \(runs.path), which is writable.")
    }
    let isEnough = free >= 500_000_000
    return Finding(
      grade: isEnough ? .fine : .missing,
      sentence: "Runs are kept in \(runs.path), which is writable, with \(Figures.bytes(free)) free"
        + "\(isEnough ? "" : "; a run needs about 500 MB").")
  }

  /// Only the comparisons with PyTorch need it, so its absence is fine.
  private var torch: Finding {
    let question = "import importlib.metadata as m; print(m.version('torch'))"
    guard let version = Self.output(of: "python3", ["-c", question]) else {
      return Finding(
        grade: .optional,
        sentence: "Python has no PyTorch here; only comparisons with it and the making of golden files need it.")
    }
    return Finding(grade: .fine, sentence: "PyTorch \(version) is there for comparisons.")
  }

  /// Bytes by the names of /proc/meminfo.
  private static func memoryFacts() -> [String: Int] {
    let text = FileManager.default.contents(atPath: "/proc/meminfo").map { String(decoding: $0, as: UTF8.self) } ?? ""
    let facts = text.split(separator: "\n").compactMap { line -> (String, Int)? in
      let words = line.split { $0 == ":" || $0 == " " }
      guard words.count >= 2, let kilobytes = Int(words[1]) else { return nil }
      return (String(words[0]), kilobytes * 1024)
    }
    return Dictionary(facts, uniquingKeysWith: { first, _ in first })
  }

  /// The first line that a program prints, or nil when it is not there or fails.
  private static func output(of program: String, _ arguments: [String]) -> String? {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    (process.standardOutput, process.standardError) = (pipe, FileHandle.nullDevice)
    guard (try? process.run()) != nil else { return nil }
    let bytes = (try? pipe.fileHandleForReading.readToEnd()) ?? nil
    process.waitUntilExit()
    guard process.terminationStatus == 0, let bytes else { return nil }
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init)
  }
}

/// A library that this process is linked to, asked for its own version.
struct LoadedLibrary {
  private let name: String
  private let package: String
  private let version: String?

  /// `symbol` is a function that returns its version as text; OpenSSL's takes which text is wanted, others ignore it.
  init(_ name: String, version symbol: String, package: String) {
    typealias Version = @convention(c) (Int32) -> UnsafePointer<CChar>?
    (self.name, self.package) = (name, package)
    version = dlsym(nil, symbol).flatMap { address in
      unsafeBitCast(address, to: Version.self)(0).map { String(cString: $0) }
    }
  }

  /// `symbol` is a function that writes what is asked for into a buffer and returns its length, below 0 for nothing.
  init(_ name: String, filledBy symbol: String, _ question: UInt32, package: String) {
    typealias Fill = @convention(c) (UInt32, UnsafeMutableRawPointer?) -> Int32
    (self.name, self.package) = (name, package)
    version = dlsym(nil, symbol).flatMap { address in
      var buffer = [UInt8](repeating: 0, count: 256)
      guard unsafeBitCast(address, to: Fill.self)(question, &buffer) > 0 else { return nil }
      return String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  var finding: Finding {
    guard let version else {
      return Finding(grade: .missing, sentence: "\(name) is not loaded; `apt-get install \(package)` brings it.")
    }
    let text = version.hasPrefix(name) ? version : "\(name) \(version)"
    return Finding(grade: .fine, sentence: "\(text.split(separator: " ").joined(separator: " ")) is loaded.")
  }
}
