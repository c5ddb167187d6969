// A regular expression of a tokenizer file, compiled by PCRE2 and held to limits.
// The files mean the dialect of Oniguruma; `PatternTranslation` writes the same expression for PCRE2.
import CPCRE2

/// A compiled regular expression that any number of tasks may search with.
// The compiled code never changes after `init`, and PCRE2 keeps what a search changes in the match data of each call.
final class PatternMatcher: @unchecked Sendable {
  /// Longer ones are not patterns that somebody wrote.
  private static let longestPattern = 1 << 16
  /// How many steps of backtracking one match may take, before those that a long text is granted.
  private static let stepsPerMatch = 2_000_000

  private let code: OpaquePointer

  /// Compiles a pattern as Oniguruma reads it. Throws `TokenizerError` when it cannot be read, uses what has no
  /// counterpart, or takes unreasonably long on texts that such patterns stumble over.
  init(_ pattern: [UInt8]) throws {
    let shown = quoted(pattern)
    guard pattern.count <= Self.longestPattern else {
      throw TokenizerError(
        "the pattern \(shown) has \(pattern.count) bytes; at most \(Self.longestPattern) are allowed")
    }
    let translated = try PatternTranslation.translate(pattern)
    var (errorCode, errorOffset): (Int32, Int) = (0, 0)
    let context = pcre2_compile_context_create_8(nil)
    defer { pcre2_compile_context_free_8(context) }
    pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
    let compiled = translated.withUnsafeBufferPointer { bytes in
      pcre2_compile_8(
        bytes.baseAddress, bytes.count, PCRE2_UTF | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &errorCode,
        &errorOffset, context)
    }
    guard let compiled else {
      throw TokenizerError("the pattern \(shown) is not a regular expression that can be used: \(Self.text(errorCode))")
    }
    code = compiled
    // Where this processor has no just-in-time compiler, the interpreter does the same.
    _ = pcre2_jit_compile_8(compiled, PCRE2_JIT_COMPLETE)
    if Self.probes.contains(where: { probe in !probe.withUnsafeBufferPointer { search($0) { _ in } } }) {
      throw TokenizerError("the pattern \(shown) takes too many steps on long runs of one character; simplify it")
    }
  }

  deinit { pcre2_code_free_8(code) }

  /// Texts on which nested repetitions run away. Each ends with every character that a pattern may wait for.
  private static let probes: [[UInt8]] = {
    let end = Array(UInt8(33)...126)
    let runs = "a 1-A\n".utf8.map { Array(repeating: $0, count: 2000) }
    return runs.map { $0 + end } + [Array(String(repeating: "aA1 -\n\u{4E2D}", count: 300).utf8) + end]
  }()

  /// Calls `body` with every match in order, empty ones included, as the engine of such files finds them: an empty
  /// match directly behind another match is passed over. False when the steps ran out; what follows is then unmatched.
  @discardableResult
  func search(_ bytes: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) -> Bool {
    let data = pcre2_match_data_create_8(1, nil)
    let context = pcre2_match_context_create_8(nil)
    defer {
      pcre2_match_data_free_8(data)
      pcre2_match_context_free_8(context)
    }
    pcre2_set_match_limit_8(context, UInt32(clamping: Self.stepsPerMatch + 20 * bytes.count))
    pcre2_set_heap_limit_8(context, 1 << 18)
    let ovector = pcre2_get_ovector_pointer_8(data)
    guard let start = bytes.baseAddress, !bytes.isEmpty, let ovector else { return true }
    var (position, lastEnd) = (0, -1)
    while position <= bytes.count {
      var result = pcre2_match_8(code, start, bytes.count, position, PCRE2_NO_UTF_CHECK, data, context)
      if result == PCRE2_ERROR_JIT_STACKLIMIT {
        result = pcre2_match_8(
          code, start, bytes.count, position, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, context)
      }
      guard result >= 0 else { return result == PCRE2_ERROR_NOMATCH }
      let (from, to) = (ovector[0], ovector[1])
      // `\K` in a lookahead can turn a match around; such a match is none.
      guard from <= to, from >= max(0, lastEnd) else { return true }
      if from == to, to == lastEnd {
        position += position < bytes.count ? lengthOfCharacter(bytes[position]) : 1
        continue
      }
      body(from..<to)
      (position, lastEnd) = (to, to)
    }
    return true
  }

  private static func text(_ errorCode: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = pcre2_get_error_message_8(errorCode, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<Int(count)], as: UTF8.self) : "error \(errorCode)"
  }
}

/// The number of bytes of the character that begins with `lead`, in valid UTF-8.
@inline(__always)
func lengthOfCharacter(_ lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4 }
