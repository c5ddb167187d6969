// The chart page's and the puzzle button's questions, answered from whatever the app has put behind them.
import Foundation
import HTTPTypes
import Hummingbird
import JSON

struct RunRoutes: Sendable {
  var puzzles: (any PuzzleSource)?
  var runs: (any RunFeed)?

  /// `GET /api/puzzle?people=3`
  func puzzle(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    guard let puzzles else { throw APIError.notFound("this server has no puzzles", code: "no_puzzles") }
    let people = try request.query("people", in: puzzles.people) ?? puzzles.people.lowerBound
    let puzzle = try await puzzles.puzzle(people: people)
    return .json(["people": .integer(people), "question": .string(puzzle.question), "answer": .string(puzzle.answer)])
  }

  /// `GET /api/runs`
  func runs(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    .json(["runs": .array(try await runs?.runs().map(\.json) ?? [])])
  }

  /// `GET /api/runs/{id}/series?stage=&metric=&since=`; `metric` may be repeated or separated by commas.
  func series(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    try await forRun(context) { feed, run in
      guard let stage = request.uri.queryParameters["stage"] else {
        throw APIError.badRequest("stage is missing; it must be the name of one of the run's stages", param: "stage")
      }
      let metrics = request.uri.queryParameters[values: "metric"].flatMap { $0.split(separator: ",") }.map(String.init)
      let since = try request.query("since", in: Int.min...Int.max)
      let points = try await feed.series(run: run, stage: String(stage), metrics: metrics, since: since)
      return ["run": .string(run), "stage": .string(String(stage)), "points": .array(points.map(\.json))]
    }
  }

  /// `GET /api/runs/{id}/rollouts?limit=20`
  func rollouts(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    try await forRun(context) { feed, run in
      let limit = try request.query("limit", in: 1...200) ?? 20
      return ["run": .string(run), "rollouts": .array(try await feed.rollouts(run: run, limit: limit).map(\.json))]
    }
  }

  private func forRun(
    _ context: BasicRequestContext, _ answer: (any RunFeed, String) async throws -> JSONValue
  ) async throws -> Response {
    let run = context.parameters.get("id").map { $0.removingPercentEncoding ?? $0 } ?? ""
    guard let runs else { throw APIError.notFound(UnknownRun(run).description, code: "run_not_found") }
    do {
      return .json(try await answer(runs, run))
    } catch let error as UnknownRun {
      throw APIError.notFound(error.description, code: "run_not_found")
    }
  }
}

extension Request {
  /// The whole number of a query parameter; nil when it is absent.
  fileprivate func query(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let text = uri.queryParameters[Substring(name)], !text.isEmpty else { return nil }
    guard let number = Int(text), range.contains(number) else {
      let rule =
        range == Int.min...Int.max ? "a whole number" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
      throw APIError.badRequest("\(name) is \"\(text.prefix(40))\"; it must be \(rule)", param: name)
    }
    return number
  }
}

extension RunSummary {
  fileprivate var json: JSONValue {
    [
      "id": .string(id), "title": .string(title), "status": .string(status.rawValue), "started_at": .number(startedAt),
      "stages": .array(stages.map(\.json)),
    ]
  }
}

extension RunStage {
  fileprivate var json: JSONValue {
    [
      "name": .string(name), "status": .string(status.rawValue), "step": .integer(step),
      "steps": steps.map { .integer($0) } ?? .null, "seconds": .number(seconds),
      "metrics": .array(metrics.map { .string($0) }), "note": note.map { .string($0) } ?? .null,
    ]
  }
}

extension RunPoint {
  fileprivate var json: JSONValue {
    ["step": .integer(step), "seconds": .number(seconds), "values": JSONValue(values)]
  }
}

extension RunRollout {
  fileprivate var json: JSONValue {
    [
      "stage": .string(stage), "step": .integer(step), "problem_id": .string(problemID), "prompt": .string(prompt),
      "response": .string(response), "reward": .number(reward), "advantage": .number(advantage),
      "parts": JSONValue(parts), "tokens": .integer(tokenCount),
    ]
  }
}
