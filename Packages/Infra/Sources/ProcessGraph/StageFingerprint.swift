// What decides a stage's result, as one name: equal fingerprints need no second run.
import Checkpoints
import Recipes

extension Stage {
  /// SHA-256 (hex) over the stage's name, its settings and its input's fingerprint. Stages whose output is decided by
  /// these alone may use it as their artifact's fingerprint.
  public func fingerprint(on input: Input) -> String {
    let decisive = ConfigTree.table([
      "stage": .string(name), "settings": settings, "input": .string(input.fingerprint),
    ])
    return Fingerprint.sha256(decisive.canonicalJSON)
  }
}
