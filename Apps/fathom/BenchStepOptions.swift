// What the commands that measure training steps share: their options, their device and how steps are spread over turns.
import ArgumentParser
import Instruments
import Tensors

/// Options of `fathom bench train|rollout`.
struct BenchStepOptions: ParsableArguments {
  @Option(help: ArgumentHelp(BenchPeer.help, valueName: "python"))
  var against: String?
  @Flag(help: "Also show which operations the time goes to.")
  var profile = false
  @OptionGroup var output: ResultOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws { try BenchProfile.check(isWanted: profile, against: against) }

  /// A backend that takes the time of operations, where that is asked for.
  func profiling(_ parts: Parts) -> ProfilingBackend? { profile ? ProfilingBackend(parts.device.backend) : nil }

  /// The turns of each side and the steps of one: `rounds` turns with a peer, one without, and `steps` or a few more in
  /// all.
  func turns(_ steps: Int, rounds: Int) -> (count: Int, steps: Int) {
    let count = against == nil ? 1 : rounds
    return (count, (steps + count - 1) / count)
  }
}
