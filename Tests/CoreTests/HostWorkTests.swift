// Host work on a backend's threads: every chunk runs once, on every backend, profiled or not.
import CPUBackend
import Instruments
import ReferenceBackend
import Synchronization
import Tensors
import Testing

@Suite struct HostWorkTests {
  private static let backends: [any Backend] = [
    ReferenceBackend(), CPUBackend(threads: 1), CPUBackend(threads: 3),
    ProfilingBackend(CPUBackend(threads: 2)), ProbingBackend(CPUBackend(threads: 2), watching: []),
  ]

  @Test func everyChunkRunsOnce() {
    for backend in Self.backends {
      for count in [0, 1, 2, 100] {
        let runs = Mutex([Int](repeating: 0, count: count))
        backend.forEach(count) { chunk in runs.withLock { $0[chunk] += 1 } }
        #expect(runs.withLock { $0 } == [Int](repeating: 1, count: count), "\(backend.name)")
      }
    }
  }

  @Test func hostWorkIsMeasured() {
    let backend = ProfilingBackend(CPUBackend(threads: 2))
    backend.begin(.rollout)
    for _ in 0..<3 { backend.forEach(4) { _ in } }
    let found = backend.measurements
    #expect(found.count == 1)
    #expect(found.first?.operation == "host" && found.first?.phase == .rollout && found.first?.calls == 3)
  }
}
