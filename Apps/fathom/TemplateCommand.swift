// `fathom template MODEL`: a conversation as the model's chat template writes it, to be looked at or compared.
import ArgumentParser
import Foundation
import Jinja
import LanguageModels
import Text

struct TemplateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "template", abstract: "Prints a conversation as a model's chat template writes it.",
    discussion: "Without --messages, a short conversation is shown. The output is that of transformers.")

  @Argument(help: ArgumentHelp("A model's directory, a GGUF file, or a .jinja file.", valueName: "model-or-template"))
  var model: String
  @Option(help: ArgumentHelp("A JSON list of messages with role and content.", valueName: "file.json"))
  var messages: String?
  @Option(help: ArgumentHelp("A JSON list of the tools that the model may call.", valueName: "file.json"))
  var tools: String?
  @Option(
    name: .customLong("set"), parsing: .upToNextOption,
    help: ArgumentHelp("What else the template sees, as enable_thinking=false.", valueName: "name=value"))
  var variables: [String] = []
  @Flag(name: .customLong("no-generation-prompt"), help: "End with the last message.")
  var endsWithLastMessage = false

  func run() async throws {
    let template = try template()
    let conversation = try messages.map(Self.json) ?? [["role": "user", "content": "Hello"]]
    let text = try template.text(
      conversation, tools: try tools.map(Self.json), addsGenerationPrompt: !endsWithLastMessage,
      variables: try settings())
    try Output.write(text.text)
  }

  private func template() throws -> JinjaTemplate {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: model, isDirectory: &isDirectory) else {
      throw CommandError(
        "\(model): no such directory or file; expected a model's directory, a GGUF file or a .jinja file")
    }
    let directory = ModelDirectory(model)
    if isDirectory.boolValue || directory.isGGUF {
      guard let template = try directory.jinjaTemplate() else {
        let places =
          directory.isGGUF
          ? "the key tokenizer.chat_template"
          : "\(JinjaTemplate.fileNames.joined(separator: ", ")) or a chat_template in tokenizer_config.json"
        throw CommandError("\(model): no chat template; expected \(places)")
      }
      return template
    }
    guard let data = FileManager.default.contents(atPath: model), let text = String(validating: data, as: UTF8.self)
    else {
      throw CommandError("\(model): cannot be read as UTF-8 text; a Jinja template was expected")
    }
    return try JinjaTemplate(text)
  }

  private static func json(_ path: String) throws -> TemplateValue {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CommandError("\(path): cannot be read; a JSON file was expected")
    }
    do {
      return try TemplateValue(json: data)
    } catch let error as TemplateError {
      throw CommandError("\(path): \(error)")
    }
  }

  /// Values are JSON where they can be, and texts where not.
  private func settings() throws -> [String: TemplateValue] {
    var settings: [String: TemplateValue] = [:]
    for setting in variables {
      guard let equals = setting.firstIndex(of: "="), equals > setting.startIndex else {
        throw CommandError("--set \(setting): expected name=value, as in enable_thinking=false")
      }
      let text = String(setting[setting.index(after: equals)...])
      settings[String(setting[..<equals])] = (try? TemplateValue(json: text.utf8)) ?? .string(text)
    }
    return settings
  }
}
