// Serving without training: the directory of a model, an engine, a server. No training module is linked.
import CPUBackend
import DeepSeek
import Foundation
import HTTPServing
import Inference
import LanguageModels
import Layers
import Llama
import Logging
import Plugins
import Tensors
import Text

@main
struct ServeOnly {
  static func main() async {
    do {
      let arguments = CommandLine.arguments.dropFirst()
      guard let path = arguments.first, let port = Int(arguments.dropFirst().first ?? "8080") else {
        throw ServerError("name a model's directory, and a port other than 8080 if you like: ServeOnly MODEL [PORT]")
      }
      try await serve(path, port: port)
    } catch {
      print("serve-only: \(error)")
      exit(1)
    }
  }

  static func serve(_ path: String, port: Int) async throws {
    // Which models it can read, and what they run on.
    let registry = try Registry([DeepSeekFamilies(), LlamaFamilies()])
    let device = Device(CPUBackend(threads: ProcessInfo.processInfo.activeProcessorCount))

    // A model is a directory: config.json, *.safetensors, tokenizer.json and, where it has one, a template. Or it is one
    // GGUF file. Matrices are multiplied as they stand there.
    let directory = ModelDirectory(path)
    let model = try directory.model(registry, on: device, weights: .stored)
    let (tokenizer, template) = (try directory.tokenizer(), try directory.template())

    // One engine answers every request in one batch; a served model is what clients see of it.
    let engine = InferenceEngine(model, tokenizer: tokenizer)
    let name = URL(fileURLWithPath: path).lastPathComponent
    let served = ServedModel(
      id: name, tokenizer: tokenizer, template: template, generator: engine, contextLength: model.contextLength,
      systemFingerprint: "fp_\(name)", unwrapsAnswer: template is PlainTemplate)

    // Runs until SIGTERM or SIGINT; what is being streamed then is completed first.
    let logger = Logger(label: "serve-only")
    let server = try FathomServer(models: [served], settings: ServerSettings(port: port), logger: logger)
    try await server.run()
  }
}
