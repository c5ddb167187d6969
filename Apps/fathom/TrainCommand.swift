// `fathom train`: the bundled recipe (a corpus and a base model) over one's own texts.
import ArgumentParser
import Foundation
import LogicPuzzles
import Recipes

struct TrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a small model from nothing on your own texts.",
    discussion: "Texts are files of plain text, .jsonl files with a \"text\" in every line, or directories of both. "
      + "Without --data the model learns from generated logic puzzles. --set changes any setting of the two stages, "
      + "for example --set stages.pretrain.steps=200; `fathom runs show` tells what they are.")

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Files or directories of texts.", valueName: "path"))
  var data: [String] = []
  @OptionGroup var changes: RecipeOptions
  @OptionGroup var runs: RunsOptions
  @OptionGroup var compute: ComputeOptions

  func run() async throws {
    let recipe = try TrainRecipe.tree(data: data).setting(changes.changes)
    try await GraphRun.begin(recipe, name: "train", in: runs.directory, parts: compute.parts()).run()
  }
}

/// The recipe of `fathom train`.
enum TrainRecipe {
  /// A DeepSeek-V3 in miniature, sized so that a laptop trains it in minutes.
  static let text = """
    name: train
    seed: 0
    stages:
      corpus:
        stage: corpus
        vocabularySize: 4096
      pretrain:
        stage: pretrain
        from: corpus
        steps: 1000
        batchTokens: 4096
        sequenceLength: 256
        optimizer:
          learningRate: 0.001
          schedule: {warmupSteps: 50, decayFraction: 0.2, finalFraction: 0.1}
        model:
          model_type: deepseek_v3
          hidden_size: 128
          intermediate_size: 384
          moe_intermediate_size: 128
          num_hidden_layers: 4
          first_k_dense_replace: 1
          num_attention_heads: 4
          kv_lora_rank: 64
          qk_nope_head_dim: 32
          qk_rope_head_dim: 16
          v_head_dim: 32
          n_routed_experts: 8
          n_shared_experts: 1
          num_experts_per_tok: 2
          num_nextn_predict_layers: 1
          max_position_embeddings: 512
          rope_theta: 10000.0
          tie_word_embeddings: true
          torch_dtype: float32
    """

  /// The recipe over the files in `data`, or over logic puzzles when there are none. Paths become absolute, so that a
  /// run can be resumed from anywhere.
  static func tree(data: [String]) throws -> ConfigTree {
    let paths = data.map { ConfigTree.string(URL(fileURLWithPath: $0).standardizedFileURL.path) }
    let (name, settings, count): (String, [String: ConfigTree], Int) =
      data.isEmpty ? (LogicPuzzles.partName, [:], 20_000) : ("text-files", ["paths": .list(paths)], 0)
    guard case .table(var recipe) = try ConfigTree(yaml: text, source: "the bundled recipe"),
      case .table(var stages)? = recipe["stages"], case .table(var corpus)? = stages["corpus"]
    else { throw CommandError("the bundled recipe has no stage 'corpus'") }
    corpus["documents"] = .table(["name": .string(name), "settings": .table(settings)])
    corpus["count"] = .int(count)
    stages["corpus"] = .table(corpus)
    recipe["stages"] = .table(stages)
    return .table(recipe)
  }
}
