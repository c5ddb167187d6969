// The corpus as BPE training sees it: distinct pieces as token lists, and how often every pair of neighbours occurs.
// A merge visits only the pieces that contain the pair.

/// Two neighbouring tokens, in the order that breaks ties.
struct TokenPair: Hashable, Comparable {
  var left: Int32
  var right: Int32
  static func < (a: TokenPair, b: TokenPair) -> Bool { (a.left, a.right) < (b.left, b.right) }
}

/// Distinct pieces with their counts, under successive merges.
struct TrainingWords {
  private var symbols: [Int32] = []
  private var starts: [Int] = []
  private var lengths: [Int] = []
  private let counts: [Int]
  private var numbers: [TokenPair: Int] = [:]
  private var pairs: [PairRecord] = []
  private var queue = PairQueue()
  /// Numbers of the pairs that became more frequent since the last merge began, each once.
  private var grown: [Int] = []

  /// How often a pair occurs now, and the words that had it at some time (none missing, some perhaps stale).
  private struct PairRecord {
    let pair: TokenPair
    var frequency = 0
    var words: [Int32] = []
    var isGrown = false
  }

  init(_ pieces: ByteStringTable, _ counts: [Int], _ byteTokens: [Int32]) {
    self.counts = counts
    for word in 0..<pieces.count {
      let bytes = pieces[word]
      starts.append(symbols.count)
      lengths.append(bytes.count)
      for byte in bytes { symbols.append(byteTokens[Int(byte)]) }
    }
    for word in 0..<pieces.count {
      for index in starts[word]..<starts[word] + max(0, lengths[word] - 1) {
        add(counts[word], to: TokenPair(left: symbols[index], right: symbols[index + 1]), in: word)
      }
    }
    queueGrown()
  }

  /// The most frequent pair, of equals the smallest; nil when none occurs `least` times.
  mutating func mostFrequentPair(atLeast least: Int) -> TokenPair? {
    while var best = queue.removeFirst() {
      // Frequencies fall without notice; a candidate that fell goes back to where it belongs now.
      let frequency = numbers[best.pair].map { pairs[$0].frequency } ?? 0
      if frequency == best.frequency { return frequency >= least ? best.pair : nil }
      best.frequency = frequency
      if frequency > 0 { queue.insert(best) }
    }
    return nil
  }

  /// Replaces every occurrence of `pair`, left to right, by `token`.
  mutating func merge(_ pair: TokenPair, into token: Int32) {
    guard let number = numbers[pair] else { return }
    let words = pairs[number].words
    pairs[number].words = []
    for word in words { merge(pair, into: token, in: Int(word)) }
    queueGrown()
  }

  private mutating func merge(_ pair: TokenPair, into token: Int32, in word: Int) {
    let (start, end, count) = (starts[word], starts[word] + lengths[word], counts[word])
    var (read, write) = (start, start)
    while read < end {
      guard read + 1 < end, symbols[read] == pair.left, symbols[read + 1] == pair.right else {
        symbols[write] = symbols[read]
        (read, write) = (read + 1, write + 1)
        continue
      }
      add(-count, to: pair, in: word)
      if write > start {
        add(-count, to: TokenPair(left: symbols[write - 1], right: pair.left), in: word)
        add(count, to: TokenPair(left: symbols[write - 1], right: token), in: word)
      }
      if read + 2 < end {
        add(-count, to: TokenPair(left: pair.right, right: symbols[read + 2]), in: word)
        add(count, to: TokenPair(left: token, right: symbols[read + 2]), in: word)
      }
      symbols[write] = token
      (read, write) = (read + 2, write + 1)
    }
    lengths[word] = write - start
  }

  private mutating func add(_ count: Int, to pair: TokenPair, in word: Int) {
    let number: Int
    if let known = numbers[pair] {
      number = known
    } else {
      number = pairs.count
      numbers[pair] = number
      pairs.append(PairRecord(pair: pair))
    }
    pairs[number].frequency += count
    guard count > 0 else { return }
    if pairs[number].words.last != Int32(word) { pairs[number].words.append(Int32(word)) }
    if !pairs[number].isGrown {
      pairs[number].isGrown = true
      grown.append(number)
    }
  }

  private mutating func queueGrown() {
    for number in grown {
      pairs[number].isGrown = false
      queue.insert(PairQueue.Candidate(frequency: pairs[number].frequency, pair: pairs[number].pair))
    }
    grown.removeAll(keepingCapacity: true)
  }
}

/// A binary heap of pairs, the most frequent first and of equals the smallest.
struct PairQueue {
  /// A pair with the frequency it had when it was queued.
  struct Candidate {
    var frequency: Int
    var pair: TokenPair
    func precedes(_ other: Candidate) -> Bool {
      frequency != other.frequency ? frequency > other.frequency : pair < other.pair
    }
  }
  private var heap: [Candidate] = []

  mutating func insert(_ candidate: Candidate) {
    heap.append(candidate)
    var index = heap.count - 1
    while index > 0, heap[index].precedes(heap[(index - 1) / 2]) {
      heap.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  mutating func removeFirst() -> Candidate? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var index = 0
    while true {
      var child = 2 * index + 1
      guard child < heap.count else { return first }
      if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
      guard heap[child].precedes(heap[index]) else { return first }
      heap.swapAt(index, child)
      index = child
    }
  }
}
