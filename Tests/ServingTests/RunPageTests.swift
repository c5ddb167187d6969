// What the two pages ask the server for: puzzles, runs, series, rollouts.
import HTTPServing
import Testing

private struct Puzzles: PuzzleSource {
  var people: ClosedRange<Int> { 2...3 }
  func puzzle(people: Int) async throws -> Puzzle { Puzzle(question: "\(people) people", answer: "Ann knight") }
}

private struct Feed: RunFeed {
  func runs() async throws -> [RunSummary] {
    let stage = RunStage(name: "grpo", status: .running, step: 3, steps: 9, seconds: 1.5, metrics: ["reward"])
    return [RunSummary(id: "a b", title: "first", status: .running, startedAt: 10, stages: [stage])]
  }
  func series(run: String, stage: String, metrics: [String], since: Int?) async throws -> [RunPoint] {
    guard run == "a b" else { throw UnknownRun(run) }
    return (1...3).filter { $0 > since ?? 0 }.map { step in
      let values = ["reward": Double(step) / 2, "loss": .nan].filter { metrics.isEmpty || metrics.contains($0.key) }
      return RunPoint(step: step, seconds: Double(step), values: values)
    }
  }
  func rollouts(run: String, limit: Int) async throws -> [RunRollout] {
    guard run == "a b" else { throw UnknownRun(run) }
    let rollout = RunRollout(
      stage: "grpo", step: 3, problemID: "p", prompt: "Q", response: "</think>A", reward: 1.1, advantage: -0.5,
      parts: ["format": 0.1, "correct": 1], tokenCount: 4)
    return Array(repeating: rollout, count: min(limit, 5))
  }
}

@Suite struct RunPageTests {
  private func withPages<Value: Sendable>(_ body: (LiveServer) async throws -> Value) async throws -> Value {
    try await withServer([], puzzles: Puzzles(), runs: Feed(), body)
  }

  @Test func puzzlesComeInTheSizeAskedFor() async throws {
    try await withPages { server in
      let puzzle = try await server.get("/api/puzzle?people=3").json()
      #expect(puzzle["question"].string == "3 people")
      #expect(puzzle["answer"].string == "Ann knight")
      #expect(puzzle["people"].int == 3)
      #expect(try await server.get("/api/puzzle").json()["people"].int == 2)
      for people in ["4", "x", "99999999999999999999"] {
        let reply = try await server.get("/api/puzzle?people=\(people)")
        #expect(reply.status == 400)
        #expect(
          try reply.json()["error"]["message"].string
            == "people is \"\(people)\"; it must be a whole number from 2 to 3")
      }
    }
  }

  @Test func runsAndTheirStagesAreListed() async throws {
    let run = try await withPages { try await $0.get("/api/runs").json() }["runs"][0]
    #expect(run.keys == ["id", "title", "status", "started_at", "stages"])
    #expect(run["stages"][0].keys == ["name", "status", "step", "steps", "seconds", "metrics", "note"])
    #expect(run["stages"][0]["status"].string == "running")
    #expect(run["stages"][0]["metrics"].items.map(\.string) == ["reward"])
  }

  @Test func seriesGoOnFromTheStepLastSeen() async throws {
    try await withPages { server in
      let all = try await server.get("/api/runs/a%20b/series?stage=grpo").json()
      #expect(all["points"].items.map { $0["step"].int } == [1, 2, 3])
      #expect(all["points"][0]["values"]["loss"].isNull, "JSON has no not-a-number")
      let new = try await server.get("/api/runs/a%20b/series?stage=grpo&metric=reward&since=2").json()
      #expect(new["points"].items.map { $0["step"].int } == [3])
      #expect(new["points"][0]["values"].keys == ["reward"])
      let missing = try await server.get("/api/runs/a%20b/series")
      #expect(missing.status == 400)
      #expect(try missing.json()["error"]["param"].string == "stage")
    }
  }

  @Test func rolloutsAreLimited() async throws {
    try await withPages { server in
      let rollouts = try await server.get("/api/runs/a%20b/rollouts?limit=2").json()["rollouts"]
      #expect(rollouts.items.count == 2)
      #expect(rollouts[0]["parts"]["correct"].int == 1)
      #expect(rollouts[0]["tokens"].int == 4)
      let tooMany = try await server.get("/api/runs/a%20b/rollouts?limit=1000")
      #expect(tooMany.status == 400)
    }
  }

  @Test func unknownRunsAre404() async throws {
    try await withPages { server in
      for path in ["/api/runs/zz/series?stage=grpo", "/api/runs/zz/rollouts"] {
        let reply = try await server.get(path)
        #expect(reply.status == 404)
        #expect(try reply.json()["error"]["message"].string == "there is no run 'zz'")
      }
    }
  }

  @Test func aServerWithoutPuzzlesOrRunsSaysSo() async throws {
    try await withServer([]) { server in
      let puzzle = try await server.get("/api/puzzle?people=2")
      #expect(puzzle.status == 404)
      let runs = try await server.get("/api/runs")
      #expect(runs.status == 200)
      #expect(try runs.json()["runs"].items.isEmpty)
    }
  }
}
