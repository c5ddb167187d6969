// A small recipe on knights and knaves in stages, for tests that run `fathom` as a process. Each test puts together the
// stages that it needs and says what concerns it.

/// The tiny model, from texts to a thinker.
enum TinyRecipe {
  /// A corpus of so many texts about two people.
  static func texts(_ count: Int) -> String {
    stage(
      "texts",
      [
        "stage: corpus", "documents: {name: knights-and-knaves, settings: {people: [{people: 2}]}}", "count: \(count)",
        "vocabularySize: 300", "preTokenizer: whitespace",
      ])
  }

  /// The model pretrained on the texts, for that many positions and with the settings of the test.
  static func base(positions: Int = 64, _ settings: String...) -> String {
    let model = TinyModel.section.replacing("\n", with: " ")
      .replacing("max_position_embeddings: 64", with: "max_position_embeddings: \(positions)")
    return stage("base", ["stage: pretrain", "from: texts", "sequenceLength: 64", "model: \(model)"] + settings)
  }

  /// The base taught to solve puzzles of two people, with the settings of the test.
  static func thinker(_ settings: String...) -> String {
    stage(
      "thinker",
      [
        "stage: grpo", "from: base",
        "problems: {name: knights-and-knaves, settings: {people: [2], distinctEvaluations: 10}}", "maxTokens: 12",
      ] + settings)
  }

  /// Stages in this order, as a file has them.
  static func of(_ stages: String...) -> String { "stages:\n" + stages.joined() }

  private static func stage(_ name: String, _ settings: [String]) -> String {
    "  \(name):\n" + settings.map { "    \($0)\n" }.joined()
  }
}
