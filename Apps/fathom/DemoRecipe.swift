// The demo as a recipe: what is trained, on what, and how it is measured.
// Every value can be changed with --set, for example --set stages.thinker.steps=80.

enum DemoRecipe {
  /// R1-Zero in miniature on 2-person and 3-person puzzles.
  static let text = """
    name: demo
    seed: 7
    stages:
      corpus:
        stage: corpus
        documents:
          name: knights-and-knaves
          settings:
            people: [{people: 2, weight: 0.25}, {people: 3, weight: 0.75}]
            fullShare: 0.31
            lazyProbability: 0.7
            recallShare: 0.12
        count: 90000
        vocabularySize: 512
        preTokenizer: whitespace
      base:
        stage: pretrain
        from: corpus
        steps: 1600
        batchTokens: 3840
        sequenceLength: 352
        model:
          model_type: deepseek_v3
          hidden_size: 128
          num_hidden_layers: 4
          first_k_dense_replace: 1
          intermediate_size: 384
          moe_intermediate_size: 96
          n_routed_experts: 4
          n_shared_experts: 1
          num_experts_per_tok: 2
          routed_scaling_factor: 1.0
          num_attention_heads: 4
          q_lora_rank: null
          kv_lora_rank: 64
          qk_nope_head_dim: 16
          qk_rope_head_dim: 16
          v_head_dim: 32
          num_nextn_predict_layers: 1
          rope_theta: 1000.0
          max_position_embeddings: 384
        objective: {mtpLossWeight: 0.3, balanceLossWeight: 0.0001, biasUpdateRate: 0.001}
        optimizer:
          kind: muon
          learningRate: 0.003
          weightDecay: 0.0
          schedule: {warmupSteps: 30, decayFraction: 0.4}
      base_3: &three
        stage: evaluate
        from: base
        problems: {name: knights-and-knaves, settings: {people: [3]}}
        count: 400
        maxTokens: 340
      base_2: &two
        stage: evaluate
        from: base
        problems: {name: knights-and-knaves, settings: {people: [2]}}
        count: 400
        maxTokens: 340
      thinker:
        stage: grpo
        from: base
        problems: {name: knights-and-knaves, settings: {people: [3, 3, 3, 2]}}
        evaluationProblems: {name: knights-and-knaves, settings: {people: [3]}}
        evaluateEvery: 5
        evaluationCount: 200
        steps: 50
        promptsPerStep: 16
        groupSize: 8
        maxTokens: 340
        microBatchTokens: 4096
        optimizer: {learningRate: 0.0002, weightDecay: 0.0}
      final_3: {<<: *three, from: thinker}
      final_2: {<<: *two, from: thinker}
    """

  /// The same road in minutes: fewer steps, fewer puzzles, the same kinds of stages.
  static let reductions = [
    "stages.corpus.count=14000", "stages.base.steps=240", "stages.thinker.steps=10",
    "stages.thinker.evaluationCount=50",
    "stages.base_3.count=100", "stages.base_2.count=100", "stages.final_3.count=100", "stages.final_2.count=100",
  ]
}
