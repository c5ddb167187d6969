// How many tokens a request used, with every key that OpenAI's and DeepSeek's clients look for.
import JSON

struct Usage: Equatable {
  var promptTokens = 0
  var completionTokens = 0
  var reasoningTokens = 0

  /// Zeros are written rather than left out: clients tell "none" from "unknown" by the key.
  var json: JSONValue {
    [
      "prompt_tokens": .integer(promptTokens), "completion_tokens": .integer(completionTokens),
      "total_tokens": .integer(promptTokens + completionTokens), "prompt_tokens_details": ["cached_tokens": 0],
      "completion_tokens_details": ["reasoning_tokens": .integer(reasoningTokens)],
      "prompt_cache_hit_tokens": 0, "prompt_cache_miss_tokens": .integer(promptTokens),
    ]
  }

  mutating func add(_ answer: AnswerReader) {
    completionTokens += answer.tokenCount
    reasoningTokens += answer.reasoningTokenCount
  }
}
