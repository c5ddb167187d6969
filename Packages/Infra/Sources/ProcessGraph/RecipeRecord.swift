// recipe.yaml of a run: written before anything starts, compared when the run is resumed.
import Checkpoints
import Recipes

enum RecipeRecord {
  static let fileName = "recipe.yaml"

  /// Writes the merged recipe, or checks that the one written before is equal.
  static func settle(_ recipe: ConfigTree, in directory: String) throws {
    let file = "\(directory)/\(fileName)"
    guard RunFiles.exists(file) else {
      try RunFiles.makeDirectory(directory)
      try DurableFile.write(recipe.yaml(), to: file)
      return
    }
    let differences = recipe.differences(from: try ConfigTree(yamlFile: file))
    guard differences.isEmpty else { throw RunError.recipeChanged(file: file, differences: differences) }
  }
}
